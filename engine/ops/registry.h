// The list of op families; find a row by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/op.h"

namespace tensord::ops {

// One family's rows; each is defined in the file of its name.
const std::vector<ir::OpRow>& UnaryRows();   // unary.cc
const std::vector<ir::OpRow>& BinaryRows();  // binary.cc: arithmetic, comparison, bitwise
const std::vector<ir::OpRow>& SelectRows();  // select.cc: where, clamp, cast, bitcast, masked_fill
const std::vector<ir::OpRow>& ReduceRows();  // reduce.cc
const std::vector<ir::OpRow>& MovementRows();    // movement.cc
const std::vector<ir::OpRow>& CreateRows();      // create.cc
const std::vector<ir::OpRow>& RandomRows();      // random.cc
const std::vector<ir::OpRow>& IndexRows();       // index.cc
const std::vector<ir::OpRow>& LinalgRows();      // linalg.cc
const std::vector<ir::OpRow>& ActivationRows();  // activation.cc
const std::vector<ir::OpRow>& NnRows();          // nn.cc: linear, conv, pool, attention
const std::vector<ir::OpRow>& NormRows();        // norm.cc: softmax family and normalisations
const std::vector<ir::OpRow>& LossRows();        // loss.cc
const std::vector<ir::OpRow>& OptimRows();       // optim.cc
const std::vector<ir::OpRow>&
StructureRows();  // structure.cc: param, get, detach, contiguous, copy

// Every row, in family order. Names are unique (checked at first use).
const std::vector<const ir::OpRow*>& AllOps();
// The row named so, or nullptr.
const ir::OpRow* FindOp(std::string_view name);
// FindOp that CHECKs.
const ir::OpRow& Op(std::string_view name);
// The elementwise row of a scalar op. Its name may differ: kMax is "maximum", beside the reduction
// "max".
const ir::OpRow& Op(ir::ScalarOp op);

// SHA-256 (hex) of the vocabulary: names, attributes, rules. What Welcome and ops.json carry.
std::string OpSetDigest();
// clients/ops.json: everything a client's builders and type rules need.
std::string OpsJson();
// The reference page, markdown.
std::string OpsReference();

}  // namespace tensord::ops
