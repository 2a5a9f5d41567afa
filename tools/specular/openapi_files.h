// OpenAPI documents as files: one per host, named after it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "capture/base/result.h"
#include "daemon/documents.h"
#include "daemon/rows.h"

namespace specular {

Result<void> write_file(const std::string& path, const std::string& text);
// At most `limit` bytes and one, by which it shows that there are more. "-": standard input.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// A folder of HOST.yaml, or .json, made when the first is written.
class DocumentFolder {
 public:
  DocumentFolder(std::string path, DocumentFormat format)
      : path_(std::move(path)), extension_(format == DocumentFormat::yaml ? "yaml" : "json") {}

  Result<void> write(const std::string& network, const std::string& host, const std::string& text);

 private:
  // The same host in two networks is two documents, and different hosts may have the same file name.
  std::string unique_name(const std::string& network, const std::string& host);

  std::string path_;
  const char* extension_;
  std::set<std::string> taken_;
};

// The documents of rows (network, host, document), as answers to queries have them: one into a file, several, or one
// if `output` is a folder, into a folder.
Result<void> write_documents(const std::vector<Json>& rows, const std::string& output, DocumentFormat format);

}  // namespace specular
