#include "analyzers/inspect/soap.h"

#include <algorithm>
#include <memory>

#include <expat.h>

namespace specular {
namespace {

std::string_view local_name(std::string_view name) {
  auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

class Reader {
 public:
  explicit Reader(XML_Parser parser) : parser_(parser) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_begin, on_end);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  }
  std::string found;

 private:
  static void on_begin(void* data, const XML_Char* name, const XML_Char**) {
    static_cast<Reader*>(data)->begin(local_name(name));
  }
  static void on_end(void* data, const XML_Char*) {
    Reader& reader = *static_cast<Reader*>(data);
    // An empty body.
    if (--reader.level_ == 1 && reader.in_body_) XML_StopParser(reader.parser_, XML_FALSE);
  }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    XML_StopParser(static_cast<Reader*>(data)->parser_, XML_FALSE);
  }

  // Envelope, in it Header or Body, in the latter the message.
  void begin(std::string_view name) {
    if (level_ == 0 && name != "Envelope") XML_StopParser(parser_, XML_FALSE);
    if (level_ == 1) in_body_ = name == "Body";
    if (level_ == 2 && in_body_) {
      found = name;
      XML_StopParser(parser_, XML_FALSE);
    }
    ++level_;
  }

  XML_Parser parser_;
  int level_ = 0;
  bool in_body_ = false;
};

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

std::string soap_message_of(std::string_view xml) {
  constexpr std::size_t kMost = 1u << 20;  // a header may stand before it
  constexpr std::size_t kBeginning = 1024;
  if (xml.substr(0, kBeginning).find("Envelope") == std::string_view::npos) return {};
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser(XML_ParserCreate(nullptr));
  Reader reader(parser.get());
  (void)XML_Parse(parser.get(), xml.data(), static_cast<int>(std::min(xml.size(), kMost)), XML_FALSE);
  return reader.found;
}

}  // namespace specular
