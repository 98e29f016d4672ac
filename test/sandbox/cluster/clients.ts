import {
  ApiException,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
} from "@kubernetes/client-node";
import type { Credentials } from "../../../sandbox/aws/identities.ts";
import {
  type SandboxCluster,
  type SandboxClusterOptions,
  startSandboxCluster,
} from "../../../sandbox/cluster/cluster.ts";
import { anAccount } from "../aws/clients.ts";
import { type PresignOptions, presign } from "../aws/presigned.ts";

/** A token as `aws eks get-token` makes one. */
export async function aToken(credentials: Credentials, options: PresignOptions = {}): Promise<string> {
  return `k8s-aws-v1.${Buffer.from(await presign(credentials, options)).toString("base64url")}`;
}

/** The real Kubernetes client, given the endpoint and the authority that DescribeCluster would give. */
export function clientsWith(cluster: SandboxCluster, token: string) {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "c", server: cluster.endpoint, caData: cluster.certificateAuthority, skipTLSVerify: false }],
    users: [{ name: "u", token }],
    contexts: [{ name: "c", cluster: "c", user: "u" }],
    currentContext: "c",
  });
  return {
    core: config.makeApiClient(CoreV1Api),
    authentication: config.makeApiClient(AuthenticationV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
    rbac: config.makeApiClient(RbacAuthorizationV1Api),
  };
}

export type Clients = ReturnType<typeof clientsWith>;

/** An account with a cluster in it, its creator, a user and a role; `tokenOf` and `as` give a token, and clients, for one of them. */
export async function aClusterWithPeople(
  options: Partial<SandboxClusterOptions> = {},
  start: (options: SandboxClusterOptions) => Promise<SandboxCluster> = startSandboxCluster,
) {
  const aws = await anAccount();
  const creator = aws.account.addRole({ name: "creator", path: "/ci/" });
  const dev = aws.account.addUser({ name: "dev", path: "/people/" });
  const ops = aws.account.addRole({ name: "ops", path: "/team/" });
  const cluster = await start({
    name: "main",
    region: "eu-central-1",
    creatorArn: creator.arn,
    stsUrl: aws.url,
    awsAuth: {},
    tokenCacheMs: 0,
    access: () => aws.accessOf("arn:aws:eks:eu-central-1:111122223333:cluster/main"),
    ...options,
  });
  const arn = aws.addCluster({ ...cluster, region: "eu-central-1", creatorArn: creator.arn });
  // A key of its own each time: tokens of one key and one second are the same, and an API server remembers tokens.
  const credentialsOf = (arn: string, session: string) =>
    arn === dev.arn ? aws.account.addAccessKey(arn) : aws.account.sessionFor(arn, session);
  const tokenOf = (arn: string, session = "someone@example.com", token: PresignOptions = {}) =>
    aToken(credentialsOf(arn, session), token);
  return {
    aws,
    cluster,
    arn,
    tokenOf,
    creator: creator.arn,
    dev: dev.arn,
    ops: ops.arn,
    as: async (...who: Parameters<typeof tokenOf>): Promise<Clients> => clientsWith(cluster, await tokenOf(...who)),
    stop: async () => {
      await cluster.stop();
      await aws.stop();
    },
  };
}

export type ClusterWithPeople = Awaited<ReturnType<typeof aClusterWithPeople>>;

/** Who the API server takes the caller for; undefined where it answers 401. */
export async function whoAmI(clients: Clients): Promise<{ username: string; groups: string[] } | undefined> {
  try {
    const review = await clients.authentication.createSelfSubjectReview({ body: {} });
    const { username = "", groups = [] } = review.status?.userInfo ?? {};
    return { username, groups };
  } catch (error) {
    if (error instanceof ApiException && error.code === 401) return undefined;
    throw error;
  }
}

/** The Status that a call is refused with. Fails where the call succeeds. The client drops the body of a 401. */
export async function statusOf(
  call: Promise<unknown>,
): Promise<{ code: number; message?: string; reason?: string; details?: object }> {
  const error = await call.then(
    () => new Error("the call was not refused"),
    (refused: unknown) => refused,
  );
  if (!(error instanceof ApiException)) throw error;
  return typeof error.body === "string" ? JSON.parse(error.body) : { code: error.code };
}
