#include "analyzers/discovery/methods.h"

#include <algorithm>

namespace specular {

bool is_standard_method(std::string_view method) {
  static constexpr std::string_view kMethods[] = {"ACL",
                                                  "BASELINE-CONTROL",
                                                  "BIND",
                                                  "CHECKIN",
                                                  "CHECKOUT",
                                                  "CONNECT",
                                                  "COPY",
                                                  "DELETE",
                                                  "GET",
                                                  "HEAD",
                                                  "LABEL",
                                                  "LINK",
                                                  "LOCK",
                                                  "MERGE",
                                                  "MKACTIVITY",
                                                  "MKCALENDAR",
                                                  "MKCOL",
                                                  "MKREDIRECTREF",
                                                  "MKWORKSPACE",
                                                  "MOVE",
                                                  "OPTIONS",
                                                  "ORDERPATCH",
                                                  "PATCH",
                                                  "POST",
                                                  "PROPFIND",
                                                  "PROPPATCH",
                                                  "PUT",
                                                  "QUERY",
                                                  "REBIND",
                                                  "REPORT",
                                                  "SEARCH",
                                                  "TRACE",
                                                  "UNBIND",
                                                  "UNCHECKOUT",
                                                  "UNLINK",
                                                  "UNLOCK",
                                                  "UPDATE",
                                                  "UPDATEREDIRECTREF",
                                                  "VERSION-CONTROL"};
  return std::binary_search(std::begin(kMethods), std::end(kMethods), method);
}

}  // namespace specular
