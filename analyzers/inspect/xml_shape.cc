#include "analyzers/inspect/xml_shape.h"

#include <expat.h>

#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::size_t kMaxXmlNesting = 32;

std::string_view local_name(std::string_view name) {
  auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// What expat tells, as a tree.
class Builder {
 public:
  Builder(XML_Parser parser, TextTree& tree) : parser_(parser), tree_(tree) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_begin, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  }
  bool has_root() const { return has_root_; }
  bool stopped() const { return stopped_; }
  bool refused() const { return refused_; }

 private:
  struct Element {
    TextTree::Index index;
    std::string text;
    bool plain = true;  // no attributes, no elements
  };

  static Builder& self(void* data) { return *static_cast<Builder*>(data); }

  static void on_begin(void* data, const XML_Char* name, const XML_Char** attributes) {
    self(data).begin(name, attributes);
  }
  static void on_end(void* data, const XML_Char*) { self(data).end(); }
  static void on_text(void* data, const XML_Char* text, int size) {
    Builder& builder = self(data);
    if (!builder.open_.empty() && builder.open_.back().plain)
      builder.open_.back().text.append(text, static_cast<std::size_t>(size));
  }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    self(data).refused_ = true;
    self(data).stop();
  }

  void begin(std::string_view name, const XML_Char** attributes) {
    if (open_.size() >= kMaxXmlNesting || tree_.is_full()) return stop();
    if (!open_.empty()) open_.back().plain = false;
    // The root element is the document.
    TextTree::Index index = open_.empty() ? TextTree::kRoot : tree_.add_child(open_.back().index, local_name(name));
    if (index == TextTree::kNone) return stop();
    has_root_ = true;
    open_.push_back({index, {}, true});
    for (; *attributes != nullptr; attributes += 2) {
      std::string_view attribute = attributes[0];
      if (attribute.starts_with("xmlns") || attribute.starts_with("xsi:")) continue;
      TextTree::Index child = tree_.add_child(index, std::string("@").append(local_name(attribute)));
      if (child == TextTree::kNone) return stop();
      tree_.add_value(child, attributes[1], false);
      open_.back().plain = false;
    }
  }

  void end() {
    Element& element = open_.back();
    if (element.plain && element.index != TextTree::kRoot)
      tree_.add_value(element.index, trim(element.text, " \t\r\n"), false);
    open_.pop_back();
  }

  void stop() {
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }

  XML_Parser parser_;
  TextTree& tree_;
  std::vector<Element> open_;
  bool has_root_ = false, stopped_ = false, refused_ = false;
};

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

ReadState XmlShapes::read(std::string_view body, bool cut, Schema& into) {
  constexpr std::size_t kMost = 1u << 24;
  tree_.clear();
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser(XML_ParserCreate(nullptr));
  Builder builder(parser.get(), tree_);
  bool longer = body.size() > kMost;
  std::string_view read = body.substr(0, kMost);
  XML_Status status = XML_Parse(parser.get(), read.data(), static_cast<int>(read.size()), !cut && !longer);
  bool good = status == XML_STATUS_OK || (builder.stopped() && !builder.refused());
  if (!good || !builder.has_root() || tree_.empty()) return ReadState::unreadable;
  bool whole = !cut && !longer && !builder.stopped();
  writer_.begin(into, SchemaWriter::Source::untyped);
  tree_.tell(writer_);
  writer_.end(DocumentSketch::hash_of(key_, as_bytes(body)), whole);
  return whole ? ReadState::whole : ReadState::partial;
}

}  // namespace specular
