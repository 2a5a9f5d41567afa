// The contents of an operation: its parameters, its request bodies, and what it answers.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analyzers/discovery/endpoints.h"

namespace specular {

// An array of Parameter Objects; path, query, header, cookie. What is called a key and is none (one_time) is among
// them.
nlohmann::ordered_json parameters_of(const Endpoint& endpoint);
// A Request Body Object; empty if no request had a body.
nlohmann::ordered_json request_body_of(const EndpointSummary& summary);
// A Responses Object; never empty, as the specification demands.
nlohmann::ordered_json responses_of(const EndpointSummary& summary);
// Answers by statuses that HTTP does not define (RFC 9110 section 15), and for which responses have no place.
nlohmann::ordered_json odd_statuses_of(const EndpointSummary& summary);

}  // namespace specular
