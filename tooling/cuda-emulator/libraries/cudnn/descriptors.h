// The descriptors of cuDNN's graph API: what may be set, and what was.
#pragma once
#include <cstdint>
#include <cstring>
#include <map>
#include <unordered_set>
#include <vector>
#include "guest.h"

// cudnnStatus_t
enum Status : int {
  SUCCESS = 0,
  NOT_INITIALIZED = 1001,
  BAD_PARAM = 2000,
  BAD_PARAM_NULL_POINTER = 2002,
  BAD_PARAM_MISALIGNED_POINTER = 2003,
  BAD_PARAM_NOT_FINALIZED = 2004,
  BAD_PARAM_SIZE_INSUFFICIENT = 2006,
  BAD_PARAM_SHAPE_MISMATCH = 2008,
  BAD_PARAM_ATTRIBUTE_TYPE = 2010,
  BAD_PARAM_DESCRIPTOR_TYPE = 2012,
  NOT_SUPPORTED = 3000,
  NOT_SUPPORTED_DATA_TYPE = 3003,
  NOT_SUPPORTED_LAYOUT = 3004,
  NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING = 3008,
  EXECUTION_FAILED = 5000,
};

// cudnnBackendDescriptorType_t
enum Kind : int {
  CONVOLUTION = 1,
  ENGINE = 2,
  ENGINE_CONFIG = 3,
  HEURISTIC = 4,
  PLAN = 5,
  FORWARD = 10,
  BACKWARD_FILTER = 11,
  BACKWARD_DATA = 12,
  GRAPH = 15,
  PACK = 16,
  TENSOR = 17,
};

// cudnnBackendAttributeType_t
enum Type : int {
  HANDLE = 0,
  DATA_TYPE = 1,
  INT64 = 3,
  FLOAT = 4,
  DOUBLE = 5,
  POINTER = 6,
  MODE = 7,
  HEURISTIC_MODE = 8,
  NOTE = 11,
  DESCRIPTOR = 15,
};

struct Descriptor {
  Kind kind;
  bool finalized = false;
  std::map<int, std::vector<char>> values;
  /** Of heuristics, configurations and engines: which engine it is. */
  int engine = -1;
  /** Of plans, configurations and engines: the graph that they are for. */
  const Descriptor* graph = nullptr;

  bool has(int attribute) const { return values.count(attribute) > 0; }
  template <class T>
  std::vector<T> all(int attribute) const {
    const std::vector<char>& bytes = values.at(attribute);
    std::vector<T> list(bytes.size() / sizeof(T));
    if (!bytes.empty()) memcpy(list.data(), bytes.data(), bytes.size());
    return list;
  }
  template <class T>
  T one(int attribute) const {
    return all<T>(attribute).at(0);
  }
  const Descriptor* child(int attribute) const { return one<const Descriptor*>(attribute); }
};

std::unordered_set<const void*>& liveDescriptors();

/** Puts a value where it belongs; a status where it doesn't. */
int setAttribute(Descriptor& descriptor, int attribute, int type, int64_t count, const void* from);

/** Whether all that a descriptor needs was set. */
bool isComplete(const Descriptor& descriptor);
