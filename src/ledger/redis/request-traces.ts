import type { RequestTraces } from "../../operations/tracing/request-traces.ts";
import { isTraceParent, type TraceParent } from "../../operations/tracing/traced.ts";
import type { RedisClient } from "./client.ts";

/** The trace that a request belongs to. */
export const traceKey = (id: string) => `{eks-access}:trace:${id}`;

/** Long enough for an approval on the next working day; what comes later begins a trace of its own. */
const keptSeconds = 3 * 86_400;

/** The traces of requests on Redis. Whoever can write there can at most show them in another trace. */
export function redisRequestTraces(redis: RedisClient): RequestTraces {
  return {
    remember: async (id, parent) => void (await redis.set(traceKey(id), parent, "EX", keptSeconds)),
    of: async (ids) => {
      const found = await Promise.all(ids.map((id) => redis.get(traceKey(id))));
      return new Map(
        ids.flatMap((id, index): [string, TraceParent][] => {
          const parent = found[index];
          return parent && isTraceParent(parent) ? [[id, parent]] : [];
        }),
      );
    },
  };
}
