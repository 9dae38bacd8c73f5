// Graphs: launches that are recorded once and queued again as one.
#include "resources.h"

namespace {

Napi::Value beginCapture(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->beginCapture();
  return info.Env().Undefined();
}

Napi::Value endCapture(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const CUgraph graph = context->endCapture();
  const Driver& driver = context->driver();
  CUgraphExec handle = nullptr;
  const CUresult result = driver.instantiate(&handle, graph);
  driver.cuGraphDestroy(graph);
  context->check(result, "cuGraphInstantiate");
  return objectOf(info.Env(), std::make_shared<Graph>(context, handle));
}

Napi::Value replay(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Graph& graph = resourceOf<Graph>(*context, info[0]);
  context->refuseWhileCapturing("to replay");
  context->enter();
  context->check(context->driver().cuGraphLaunch(graph.handle(), context->stream()), "cuGraphLaunch");
  return info.Env().Undefined();
}

Napi::Value destroyGraph(const Napi::CallbackInfo& info, const ContextPointer& context) {
  resourceOf<Graph>(*context, info[0]).free();
  return info.Env().Undefined();
}

}  // namespace

void Graph::release(const Driver& driver) {
  // It may still run.
  driver.cuStreamSynchronize(context().stream());
  driver.cuGraphExecDestroy(handle_);
}

void addGraphMethods(Napi::Object object) {
  addMethod<beginCapture>(object, "beginCapture");
  addMethod<endCapture>(object, "endCapture");
  addMethod<replay>(object, "replay");
  addMethod<destroyGraph>(object, "destroyGraph");
}
