#include "analyzers/inspect/headers.h"

#include <algorithm>

#include "analyzers/inspect/credentials.h"
#include "capture/base/text.h"

namespace specular {
namespace {

constexpr std::string_view kCommon[] = {"accept",
                                        "accept-charset",
                                        "accept-encoding",
                                        "accept-language",
                                        "access-control-request-headers",
                                        "alt-used",
                                        "b3",
                                        "baggage",
                                        "cache-control",
                                        "cdn-loop",
                                        "client-ip",
                                        "connection",
                                        "content-language",
                                        "content-length",
                                        "content-location",
                                        "date",
                                        "device-memory",
                                        "dnt",
                                        "downlink",
                                        "dpr",
                                        "ect",
                                        "expect",
                                        "forwarded",
                                        "from",
                                        "host",
                                        "http2-settings",
                                        "if-match",
                                        "if-modified-since",
                                        "if-none-match",
                                        "if-range",
                                        "if-unmodified-since",
                                        "keep-alive",
                                        "max-forwards",
                                        "origin",
                                        "pragma",
                                        "priority",
                                        "proxy-authorization",
                                        "proxy-connection",
                                        "purpose",
                                        "range",
                                        "referer",
                                        "rtt",
                                        "save-data",
                                        "te",
                                        "traceparent",
                                        "tracestate",
                                        "trailer",
                                        "transfer-encoding",
                                        "true-client-ip",
                                        "upgrade",
                                        "upgrade-insecure-requests",
                                        "user-agent",
                                        "uber-trace-id",
                                        "via",
                                        "viewport-width",
                                        "warning",
                                        "width",
                                        "x-amzn-trace-id",
                                        "x-att-deviceid",
                                        "x-client-ip",
                                        "x-cloud-trace-context",
                                        "x-cluster-client-ip",
                                        "x-correlation-id",
                                        "x-forwarded",
                                        "x-original-url",
                                        "x-real-ip",
                                        "x-request-id",
                                        "x-requested-with",
                                        "x-scheme",
                                        "x-trace-id",
                                        "x-wap-profile"};

constexpr std::string_view kCommonPrefixes[] = {
    "sec-",     "x-forwarded-",          "x-b3-",  "x-envoy-", "x-datadog-", "cf-",        "cloudfront-", "x-amz-cf-",
    "x-azure-", "x-original-forwarded-", "proxy-", "fastly-",  "x-akamai-",  "x-newrelic-"};

HeaderKind classify(std::string_view lower) {
  if (lower == "authorization") return HeaderKind::authorization;
  if (lower == "cookie") return HeaderKind::cookie;
  if (lower == "content-type") return HeaderKind::content_type;
  if (lower == "content-encoding") return HeaderKind::content_encoding;
  if (lower == "access-control-request-method") return HeaderKind::preflight;
  if (std::find(std::begin(kCommon), std::end(kCommon), lower) != std::end(kCommon)) return HeaderKind::common;
  bool prefixed = std::any_of(std::begin(kCommonPrefixes), std::end(kCommonPrefixes),
                              [&](std::string_view prefix) { return lower.starts_with(prefix); });
  if (prefixed) return HeaderKind::common;
  if (credentials::is_key_header(lower)) return HeaderKind::api_key;
  return credentials::may_be_key(lower) ? HeaderKind::maybe_key : HeaderKind::parameter;
}

}  // namespace

HeaderKind HeaderKinds::of(std::string_view name) {
  Entry& entry = entries_[fast_hash(key_, as_bytes(name)) % entries_.size()];
  if (entry.name != name) {
    std::string lower;
    append_lower(name, lower);
    entry.kind = classify(lower);
    entry.name = name;
  }
  return entry.kind;
}

}  // namespace specular
