// OpenAPI documents as files: one per host, named after it.
#pragma once

#include <set>
#include <string>

#include "capture/base/result.h"
#include "daemon/documents.h"

namespace specular {

Result<void> write_file(const std::string& path, const std::string& text);

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

}  // namespace specular
