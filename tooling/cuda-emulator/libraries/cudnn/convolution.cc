#include "convolution.h"
#include <tuple>

namespace {

constexpr int CROSS_CORRELATION = 1;

// cudnnDataType_t
bool typeOf(int number, guest::Type& type) {
  switch (number) {
    case 0: type = guest::Type::f32; return true;
    case 1: type = guest::Type::f64; return true;
    case 2: type = guest::Type::f16; return true;
    case 9: type = guest::Type::bf16; return true;
    default: return false;
  }
}

int tensorOf(const Descriptor* descriptor, Tensor& tensor) {
  if (descriptor->kind != TENSOR) return BAD_PARAM_DESCRIPTOR_TYPE;
  tensor.id = descriptor->one<int64_t>(906);
  tensor.alignment = descriptor->one<int64_t>(900);
  tensor.sizes = descriptor->all<int64_t>(902);
  tensor.strides = descriptor->all<int64_t>(903);
  return typeOf(descriptor->one<int>(901), tensor.type) ? SUCCESS : NOT_SUPPORTED_DATA_TYPE;
}

bool isDense(const Tensor& tensor, const std::vector<size_t>& innermostFirst) {
  int64_t step = 1;
  for (const size_t d : innermostFirst) {
    if (tensor.strides[d] != step) return false;
    step *= tensor.sizes[d];
  }
  return true;
}

/** All indices below some sizes, in order. */
template <class Body>
void forEach(const std::vector<int64_t>& sizes, Body body) {
  std::vector<int64_t> at(sizes.size(), 0);
  for (const int64_t size : sizes)
    if (size == 0) return;
  for (;;) {
    body(at);
    size_t d = sizes.size();
    while (d > 0 && ++at[d - 1] == sizes[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

int64_t placeOf(const Tensor& tensor, const std::vector<int64_t>& at) {
  int64_t place = 0;
  for (size_t d = 0; d < at.size(); d++) place += at[d] * tensor.strides[d];
  return place;
}

template <class Number>
void compute(const Convolution& c, const Numerics& numerics, const void* x, const void* w, const void* y) {
  const size_t spatial = c.stride.size();
  const int64_t groups = c.x.sizes[1] / c.w.sizes[1];
  const int64_t perGroup = c.w.sizes[0] / groups;
  const Tensor& out = c.written();
  std::vector<Number> sums(out.elements(), Number(0));
  const auto read = [&](const Tensor& tensor, const void* data, int64_t place) {
    const auto value = static_cast<Number>(guest::load(tensor.type, data, place));
    return numerics.tf32 ? static_cast<Number>(guest::toTf32(static_cast<float>(value))) : value;
  };
  // Every product of the trilinear form goes to the one of the three that is wanted.
  forEach(c.y.sizes, [&](const std::vector<int64_t>& o) {
    const int64_t group = o[1] / perGroup;
    std::vector<int64_t> taps(c.w.sizes.begin() + 1, c.w.sizes.end());
    forEach(taps, [&](const std::vector<int64_t>& t) {
      std::vector<int64_t> source = {o[0], group * c.w.sizes[1] + t[0]};
      std::vector<int64_t> tap = {o[1]};
      tap.insert(tap.end(), t.begin(), t.end());
      for (size_t d = 0; d < spatial; d++) {
        const int64_t at = o[d + 2] * c.stride[d] - c.padding[d] + t[d + 1] * c.dilation[d];
        if (at < 0 || at >= c.x.sizes[d + 2]) return;
        source.push_back(at);
      }
      const int64_t inX = placeOf(c.x, source);
      const int64_t inW = placeOf(c.w, tap);
      const int64_t inY = placeOf(c.y, o);
      switch (c.kind) {
        case FORWARD: sums[size_t(inY)] += read(c.x, x, inX) * read(c.w, w, inW); break;
        case BACKWARD_DATA: sums[size_t(inX)] += read(c.y, y, inY) * read(c.w, w, inW); break;
        default: sums[size_t(inW)] += read(c.x, x, inX) * read(c.y, y, inY);
      }
    });
  });
  void* to = const_cast<void*>(c.kind == FORWARD ? y : c.kind == BACKWARD_DATA ? x : w);
  forEach(out.sizes, [&](const std::vector<int64_t>& at) {
    const int64_t place = placeOf(out, at);
    Number value = Number(c.alpha) * sums[size_t(place)] * Number(1 + numerics.error);
    if (c.beta != 0) value += Number(c.beta) * static_cast<Number>(guest::load(out.type, to, place));
    guest::store(out.type, to, place, value);
  });
}

}  // namespace

uint64_t Tensor::elements() const {
  uint64_t count = 1;
  for (size_t d = 0; d < sizes.size(); d++) count += uint64_t(sizes[d] - 1) * uint64_t(strides[d]);
  return count;
}

bool Tensor::isPacked() const {
  std::vector<size_t> spatial;
  for (size_t d = sizes.size(); d-- > 2;) spatial.push_back(d);
  std::vector<size_t> outermost = spatial;
  outermost.insert(outermost.end(), {1, 0});
  std::vector<size_t> innermost = {1};
  innermost.insert(innermost.end(), spatial.begin(), spatial.end());
  innermost.push_back(0);
  return isDense(*this, outermost) || isDense(*this, innermost);
}

int convolutionOf(const Descriptor& operation, Convolution& c) {
  c.kind = operation.kind;
  const int base = operation.kind == FORWARD ? 700 : operation.kind == BACKWARD_DATA ? 706 : 712;
  // After the geometry: w, x, y, but dw, x, dy and w, dx, dy, in the same places.
  const Descriptor* geometry = operation.child(base + 2);
  if (geometry->kind != CONVOLUTION) return BAD_PARAM_DESCRIPTOR_TYPE;
  Tensor* tensors[] = {&c.w, &c.x, &c.y};
  for (int i = 0; i < 3; i++)
    if (int status = tensorOf(operation.child(base + 3 + i), *tensors[i])) return status;
  c.stride = geometry->all<int64_t>(103);
  c.padding = geometry->all<int64_t>(105);
  c.dilation = geometry->all<int64_t>(102);
  c.isDouble = geometry->one<int>(100) == 1;
  const auto scale = [&](int attribute) {
    return operation.values.at(attribute).size() == 8 ? operation.one<double>(attribute)
                                                      : double(operation.one<float>(attribute));
  };
  c.alpha = scale(base);
  c.beta = scale(base + 1);
  const size_t spatial = size_t(geometry->one<int64_t>(106));
  if (geometry->one<int>(101) != CROSS_CORRELATION || geometry->all<int64_t>(104) != c.padding) return NOT_SUPPORTED;
  if (c.stride.size() != spatial || c.padding.size() != spatial || c.dilation.size() != spatial) return BAD_PARAM;
  for (const Tensor* tensor : tensors)
    if (tensor->sizes.size() != spatial + 2) return BAD_PARAM_SHAPE_MISMATCH;
  const auto& [x, w, y] = std::tie(c.x.sizes, c.w.sizes, c.y.sizes);
  if (x[0] != y[0] || y[1] != w[0] || x[1] % w[1] != 0 || w[0] % (x[1] / w[1]) != 0) return BAD_PARAM_SHAPE_MISMATCH;
  for (size_t d = 0; d < spatial; d++) {
    if (c.stride[d] < 1 || c.dilation[d] < 1 || c.padding[d] < 0) return BAD_PARAM;
    const int64_t reach = x[d + 2] + 2 * c.padding[d] - c.dilation[d] * (w[d + 2] - 1) - 1;
    if (reach < 0 || reach / c.stride[d] + 1 != y[d + 2]) return BAD_PARAM_SHAPE_MISMATCH;
  }
  return SUCCESS;
}

int isSupported(const Convolution& c) {
  const guest::Type type = c.x.type;
  const bool isDouble = type == guest::Type::f64;
  for (const Tensor* tensor : {&c.x, &c.w, &c.y}) {
    if (tensor->type != type) return NOT_SUPPORTED_DATA_TYPE;
    if (!tensor->isPacked()) return NOT_SUPPORTED_LAYOUT;
  }
  if (c.isDouble != isDouble) return NOT_SUPPORTED_DATA_TYPE;
  if (type == guest::Type::bf16 && guest::capability() < 80) return NOT_SUPPORTED_DATA_TYPE;
  return SUCCESS;
}

void run(const Convolution& c, const Numerics& numerics, const void* x, const void* w, const void* y) {
  if (c.isDouble) compute<double>(c, numerics, x, w, y);
  else compute<float>(c, numerics, x, w, y);
}
