import { z } from "zod";
import { Faults } from "../faults.ts";
import {
  type SandboxCall,
  type SandboxRequest,
  type SandboxRoute,
  type StandIn,
  startSandboxServer,
} from "../http-server.ts";
import { WebIdentities } from "./assume-role.ts";
import { AuditPlaces, answerS3, eventBusCalls, s3Call } from "./audit-places.ts";
import { cloudTrailCalls, createCloudTrail } from "./cloudtrail.ts";
import { endUpdates } from "./cluster-config-calls.ts";
import type { AwsContext } from "./context.ts";
import { answerEks, eksCallName } from "./eks.ts";
import { accessOf, addCluster, type ClusterChange, type NewCluster, updateCluster } from "./eks-clusters.ts";
import { type EksService, type EksSettings, isEksPath } from "./eks-service.ts";
import { IdentityCenter, identityCenterCalls } from "./identity-center.ts";
import { answerJson, type JsonHandlers, jsonCallName } from "./json-service.ts";
import { pageOf, refuse } from "./refusal.ts";
import { SandboxAccount } from "./sandbox-account.ts";
import { answerIam, answerSts, iamVersion, stsParams } from "./sts.ts";

export interface MemberAccount {
  id: string;
  name: string;
  state: "PENDING_ACTIVATION" | "ACTIVE" | "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED";
}

interface Organization {
  readonly id: string;
  /** The only account that may list the others: the sandbox has no delegated administrators. */
  readonly managementAccount: string;
  /** Empty: the account has no organization. */
  accounts: readonly MemberAccount[];
}

const listAccounts = z.strictObject({
  // "Minimum value of 1. Maximum value of 20" (ListAccounts).
  MaxResults: z.int().min(1).max(20).default(20),
  NextToken: z.string().regex(/^\d+$/).default("0"),
});

/** Answers as documented (AWS Organizations API Reference, ListAccounts). */
function organizationCalls(organization: Organization): JsonHandlers {
  return {
    "organizations.ListAccounts": ({ caller, body }) => {
      const { accounts, managementAccount } = organization;
      if (accounts.length === 0) {
        refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.");
      }
      if (caller.identity.accountId !== managementAccount) {
        refuse("AccessDenied", "You don't have permissions to access this resource.");
      }
      const asked = listAccounts.safeParse(body);
      if (!asked.success) refuse("InvalidInputException", "You specified an invalid value.");
      const { items, nextToken } = pageOf(accounts, Number(asked.data.NextToken), asked.data.MaxResults);
      return { Accounts: items.map((each) => memberOf(organization, each)), NextToken: nextToken };
    },
  };
}

/** AWS retired `Status` on 2026-09-09 (ListAccounts): an account has only its state. */
function memberOf({ id, managementAccount }: Organization, account: MemberAccount): object {
  return {
    Id: account.id,
    Arn: `arn:aws:organizations::${managementAccount}:account/${id}/${account.id}`,
    Email: `${account.id}@example.com`,
    Name: account.name,
    State: account.state,
    JoinedMethod: "CREATED",
  };
}

/** An AWS account: STS, EKS, CloudTrail, Organizations, IAM Identity Center, S3 and EventBridge at one address. */
export type SandboxAws = Awaited<ReturnType<typeof startSandboxAws>>;

export interface SandboxAwsOptions extends StandIn {
  account?: string;
  /** The default region: it decides the partition. */
  region?: string;
}

export async function startSandboxAws(options: SandboxAwsOptions = {}) {
  const { faults = new Faults(), now = () => new Date(), account: id = "111122223333" } = options;
  const { region = "eu-central-1" } = options;
  const account = new SandboxAccount({ id, partition: partitionOf(region), now });
  const identityCenter = new IdentityCenter(account, region);
  const organization: Organization = { id: "o-exampleorgid", managementAccount: id, accounts: [] };
  const auditPlaces = new AuditPlaces();
  const cloudTrail = createCloudTrail(now);
  const settings: EksSettings = { entryDelayMs: 200, updateMs: 300, maxAccessEntries: 3000 };
  const service: EksService = { account, now, clusters: new Map(), record: cloudTrail.record, settings };
  const calls: SandboxCall[] = [];
  const webIdentities = new WebIdentities();
  const context: AwsContext = { account, webIdentities, now, record: cloudTrail.record };
  const handlers: JsonHandlers = {
    ...cloudTrailCalls(cloudTrail, now),
    ...eventBusCalls(auditPlaces),
    ...identityCenterCalls(identityCenter),
    ...organizationCalls(organization),
  };
  const server = await startSandboxServer({
    faults,
    now: options.now,
    host: options.host,
    route: (request) => route(context, service, { handlers, auditPlaces }, request),
    onCall: (call) => {
      calls.push(call);
      options.onCall?.(call);
    },
  });
  return {
    url: server.url,
    account,
    /** Tokens of service accounts, for AWS_WEB_IDENTITY_TOKEN_FILE. */
    webIdentities,
    faults,
    calls: calls as readonly SandboxCall[],
    cloudTrail,
    identityCenter,
    organization,
    auditPlaces,
    eks: settings,
    /** Shows a cluster in DescribeCluster and CloudTrail. Returns its ARN. */
    addCluster: (cluster: NewCluster) => addCluster(service, cluster),
    updateCluster: (arn: string, change: ClusterChange) => updateCluster(service, arn, change),
    cluster: (arn: string) => {
      endUpdates(service);
      return service.clusters.get(arn);
    },
    /** The principals that get into a cluster now. */
    accessOf: (arn: string) => {
      endUpdates(service);
      const cluster = service.clusters.get(arn);
      return cluster && accessOf(cluster, now().getTime());
    },
    removeCluster: (arn: string) => void service.clusters.delete(arn),
    /** The clusters as they are now, with their access entries; the result puts them back. */
    keepClusters: () => {
      const kept = [...service.clusters];
      return () => {
        service.clusters.clear();
        for (const [arn, cluster] of kept) service.clusters.set(arn, cluster);
      };
    },
    stop: server.stop,
  };
}

/** One address serves all services: the signature's scope, the target header or the path names the service. */
function route(
  context: AwsContext,
  service: EksService,
  { handlers, auditPlaces }: { readonly handlers: JsonHandlers; readonly auditPlaces: AuditPlaces },
  request: SandboxRequest,
): SandboxRoute {
  const ofS3 = s3Call(request);
  if (ofS3) return { call: ofS3, answer: () => answerS3(context, auditPlaces, request) };
  const target = request.headers["x-amz-target"];
  if (typeof target === "string") {
    const call = jsonCallName(target);
    return { call, answer: () => answerJson(context, handlers, call, request) };
  }
  if (isEksPath(request.url.pathname)) {
    return { call: eksCallName(request), answer: () => answerEks(context, service, request) };
  }
  const params = stsParams(request);
  const action = params.get("Action") ?? "Unknown";
  if (params.get("Version") === iamVersion) return { call: `iam.${action}`, answer: () => answerIam(context, request) };
  return { call: `sts.${action}`, answer: () => answerSts(context, request) };
}

function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
