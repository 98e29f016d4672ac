import type { EksCall } from "./eks-calls.ts";
import type { EksCluster } from "./eks-cluster.ts";
import type { Registry } from "./eks-clusters.ts";
import type { Caller } from "./identities.ts";
import { type Answer, type Page, pageOf, type Refusal, refuse } from "./refusal.ts";

export interface EksSettings {
  /** Until a change of access entries reaches the cluster. */
  entryDelayMs: number;
  updateMs: number;
  maxAccessEntries: number;
}

export interface EksService extends Registry {
  settings: EksSettings;
}

export interface AllowedCall extends EksCall {
  caller: Caller;
  region: string;
  arnOf: (cluster: string) => string;
}

export type EksHandler = (service: EksService, call: AllowedCall) => Answer;

export function findCluster(service: EksService, { arnOf, cluster: name }: AllowedCall): EksCluster | Refusal {
  const cluster = service.clusters.get(arnOf(name));
  return cluster ?? refuse("ResourceNotFoundException", `No cluster found for name: ${name}.`, 404);
}

export function clusterWithEntries(service: EksService, call: AllowedCall): EksCluster | Refusal {
  const cluster = findCluster(service, call);
  if ("type" in cluster || cluster.authenticationMode !== "CONFIG_MAP") return cluster;
  return refuse(
    "InvalidRequestException",
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
  );
}

export function page<T>(items: readonly T[], query: URLSearchParams): ({ type: "page" } & Page<T>) | Refusal {
  const size = Number(query.get("maxResults") ?? 100);
  const start = Number(query.get("nextToken") ?? 0);
  if (!Number.isInteger(size) || size < 1 || size > 100) {
    return refuse("InvalidParameterException", "maxResults must be between 1 and 100");
  }
  if (!Number.isInteger(start) || start < 0) return refuse("InvalidParameterException", "The nextToken is not valid");
  return { type: "page", ...pageOf(items, start, size) };
}
