import { isObject, type JsonObject, parseJson } from "../json.ts";
import type { EksCluster } from "./eks-cluster.ts";
import type { Registry } from "./eks-clusters.ts";
import { type Page, pageOf, refuse } from "./refusal.ts";
import type { Signed } from "./signature.ts";

const entry = "^/clusters/(?<cluster>[^/]+)/access-entries";

/** Methods and paths of the EKS API reference. */
const routes = {
  ListClusters: ["GET", /^\/clusters$/],
  DescribeCluster: ["GET", /^\/clusters\/(?<cluster>[^/]+)$/],
  UpdateClusterConfig: ["POST", /^\/clusters\/(?<cluster>[^/]+)\/update-config$/],
  DescribeUpdate: ["GET", /^\/clusters\/(?<cluster>[^/]+)\/updates\/(?<updateId>[^/]+)$/],
  ListAccessEntries: ["GET", new RegExp(`${entry}$`)],
  CreateAccessEntry: ["POST", new RegExp(`${entry}$`)],
  DescribeAccessEntry: ["GET", new RegExp(`${entry}/(?<principalArn>[^/]+)$`)],
  UpdateAccessEntry: ["POST", new RegExp(`${entry}/(?<principalArn>[^/]+)$`)],
  DeleteAccessEntry: ["DELETE", new RegExp(`${entry}/(?<principalArn>[^/]+)$`)],
  ListAssociatedAccessPolicies: ["GET", new RegExp(`${entry}/(?<principalArn>[^/]+)/access-policies$`)],
  AssociateAccessPolicy: ["POST", new RegExp(`${entry}/(?<principalArn>[^/]+)/access-policies$`)],
  DisassociateAccessPolicy: [
    "DELETE",
    new RegExp(`${entry}/(?<principalArn>[^/]+)/access-policies/(?<policyArn>[^/]+)$`),
  ],
  ListNodegroups: ["GET", /^\/clusters\/(?<cluster>[^/]+)\/node-groups$/],
  DescribeNodegroup: ["GET", /^\/clusters\/(?<cluster>[^/]+)\/node-groups\/(?<nodes>[^/]+)$/],
  ListFargateProfiles: ["GET", /^\/clusters\/(?<cluster>[^/]+)\/fargate-profiles$/],
  DescribeFargateProfile: ["GET", /^\/clusters\/(?<cluster>[^/]+)\/fargate-profiles\/(?<nodes>[^/]+)$/],
  TagResource: ["POST", /^\/tags\/(?<resourceArn>[^/]+)$/],
  UntagResource: ["DELETE", /^\/tags\/(?<resourceArn>[^/]+)$/],
} as const satisfies Readonly<Record<string, readonly [method: string, path: RegExp]>>;

export type EksAction = keyof typeof routes;

const actions = Object.keys(routes).filter((name): name is EksAction => name in routes);

export function isEksPath(pathname: string): boolean {
  return /^\/(?:clusters|tags)(?:\/|$)/.test(pathname);
}

/** Undefined: the sandbox has no such call. */
export function eksActionOf(method: string, url: URL): EksAction | undefined {
  return actions.find((action) => routes[action][0] === method && routes[action][1].test(url.pathname));
}

/** Null: the sandbox has no such call. An empty text: the path has no such part. */
export function readEksCall(method: string, url: URL, body: Buffer) {
  const action = eksActionOf(method, url);
  if (!action) return null;
  const parts = routes[action][1].exec(url.pathname)?.groups;
  // A body that is no JSON object has no members, and EKS refuses the call for missing ones.
  const parsed = body.length > 0 && parseJson(body.toString("utf8"));
  const members: JsonObject = isObject(parsed) ? parsed : {};
  const part = (name: string) => decodeURIComponent(parts?.[name] ?? "");
  return {
    action,
    cluster: part("cluster"),
    principalArn: part("principalArn"),
    policyArn: part("policyArn"),
    updateId: part("updateId"),
    resourceArn: part("resourceArn"),
    nodes: part("nodes"),
    query: url.searchParams,
    body: members,
  };
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : undefined;
}

export function textMapOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])),
  );
}

export interface EksSettings {
  /** Until a change of access entries reaches the cluster. */
  entryDelayMs: number;
  updateMs: number;
  maxAccessEntries: number;
}

export type EksService = Registry & { settings: EksSettings };

export interface AllowedCall extends NonNullable<ReturnType<typeof readEksCall>>, Pick<Signed, "caller"> {
  arnOf: (cluster: string) => string;
}

/** @throws Refusal */
export type EksHandlers = Readonly<Record<EksAction, (service: EksService, call: AllowedCall) => object>>;

export function findCluster(service: EksService, { arnOf, cluster: name }: AllowedCall): EksCluster {
  const cluster = service.clusters.get(arnOf(name));
  return cluster ?? refuse("ResourceNotFoundException", `No cluster found for name: ${name}.`, 404);
}

export function clusterWithEntries(service: EksService, call: AllowedCall): EksCluster {
  const cluster = findCluster(service, call);
  if (cluster.authenticationMode !== "CONFIG_MAP") return cluster;
  return refuse(
    "InvalidRequestException",
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
  );
}

export function page<T>(items: readonly T[], query: URLSearchParams): Page<T> {
  const size = Number(query.get("maxResults") ?? 100);
  const start = Number(query.get("nextToken") ?? 0);
  if (!Number.isInteger(size) || size < 1 || size > 100) {
    refuse("InvalidParameterException", "maxResults must be between 1 and 100");
  }
  if (!Number.isInteger(start) || start < 0) refuse("InvalidParameterException", "The nextToken is not valid");
  return pageOf(items, start, size);
}
