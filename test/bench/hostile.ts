import { startSandboxAws } from "../../sandbox/aws/account.ts";
import { startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import { redact } from "../../src/access/redact.ts";
import { accessEntriesOf } from "../../src/aws/access-entries.ts";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { findCreation } from "../../src/aws/find-creation.ts";
import { assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import type { ClusterClient } from "../../src/kubernetes/cluster-client.ts";
import { slackDirectory } from "../../src/slack/app/directory.ts";
import { directoryClient } from "../../src/slack/app/web-client.ts";
import { startScriptedServer } from "../kubernetes/api-server.ts";
import type { Figure, Scale } from "./figure.ts";
import { measureLargeDocuments } from "./large-documents.ts";
import { blockFigure as figure, longestBlock, longestOf } from "./longest-block.ts";

/** How many times each input comes; the longest block counts. */
const rounds: Readonly<Record<Scale, number>> = { small: 5, full: 20 };

const megabyte = 2 ** 20;

/**
 * Answers that take long to parse: of each shape one as large as is read at all, and one that is larger. Prepared, as the servers run
 * in this process.
 *
 * @param values commas and opening brackets
 */
function hostileBodies(values: number): readonly string[] {
  const list = (count: number, item: (index: number) => string) => Array.from({ length: count }, (_, at) => item(at));
  const shapesOf = (count: number) => [
    `{"items":[${list(count / 2 - 10, (at) => `{"a${at}":1}`)}]}`,
    `{"items":[${list(count / 4 - 10, (at) => `{"kind":"Group","b${at}":"x"},{}`)}]}`,
    `{"items":[${list(count / 61 - 2, (at) => `${list(60, (deep) => `{"${at}x${deep}":`).join("")}1${"}".repeat(60)}`)}]}`,
    `{"metadata":{"resourceVersion":"1","uid":"u"},"data":{${list(count - 10, (at) => `"k${at}":""`)}},"items":[]}`,
    `{"ok":true,"users":[${list(count - 10, () => '"U0"')}],"accessEntries":[]}`,
  ];
  return [...shapesOf(values), ...shapesOf(values * 1.2), "[".repeat(megabyte), "x".repeat(2 * megabyte)];
}

/** How long the event loop is blocked by what hostile people can put into a cluster or an answer. */
export async function measureHostile(scale: Scale): Promise<readonly Figure[]> {
  const times = rounds[scale];
  const redaction = await longestBlock(times, async () => redact("redis://:".repeat(megabyte / 9)));
  return [
    ...(await measureClusters(times)),
    ...(await measureLargeDocuments(times)),
    ...(await measureAws(times)),
    ...(await measureSlack(times)),
    figure("redaction of 1 MB of Redis addresses", redaction),
  ];
}

const binding = JSON.stringify({
  metadata: { name: "many", namespace: "shop" },
  roleRef: { kind: "ClusterRole", name: "view" },
  subjects: Array.from({ length: 4_000 }, (_, index) => ({ kind: "Group", name: `g${index % 7}` })),
});
/** As many subjects as one answer may hold. */
const bindings = `{"metadata":{"continue":"more"},"items":[${Array.from({ length: 4 }, () => binding).join(",")}]}`;

const listPods = { verb: "list", resource: "pods" };
const clusterCalls: Readonly<Record<string, (client: ClusterClient) => Promise<unknown>>> = {
  "aws-auth": (client) => client.readAwsAuth(),
  "kept documents": (client) => client.readKept(),
  pods: (client) => client.listPods("shop", 1),
  SelfSubjectReview: (client) => client.whoAmI(),
  SubjectAccessReview: (client) => client.may({ username: "dev", groups: [] }, listPods),
  "role bindings": (client) => client.roleBindings(),
  "lease bindings": (client) => client.listLeaseBindings(),
  namespaces: (client) => client.namespaces(),
  roles: (client) => client.roleRules({ kind: "ClusterRole", name: "view" }, null),
};

async function measureClusters(times: number): Promise<readonly Figure[]> {
  const server = await startScriptedServer();
  const client = server.connect({ timeoutMs: 10_000 });
  const bodies = hostileBodies(50_000);
  const figures: Figure[] = [];
  try {
    for (const [name, call] of Object.entries(clusterCalls)) {
      const answers = [200, 403].flatMap((status) => bodies.map((body) => ({ status, body })));
      if (name === "role bindings") answers.push({ status: 200, body: bindings });
      const longest = await longestOf(answers, times, async (answer) => {
        server.answer = () => answer;
        await call(client);
      });
      figures.push(figure(`hostile ${name} of a cluster`, longest));
    }
    return figures;
  } finally {
    client.close();
    await server.stop();
  }
}

const place = { region: "eu-central-1", account: "111122223333", partition: "aws" };

async function measureAws(times: number): Promise<readonly Figure[]> {
  const { region, account } = place;
  const aws = await startSandboxAws({ account, region });
  process.env.AWS_ENDPOINT_URL = aws.url;
  const { arn: creatorArn } = aws.account.addRole({ name: "creator", allow: ["eks:*", "sts:*", "cloudtrail:*"] });
  const cluster = {
    name: "payments",
    region,
    creatorArn,
    endpoint: "https://127.0.0.1:1",
    certificateAuthority: "UEVN",
  };
  const arn = aws.addCluster({ ...cluster, authenticationMode: "API_AND_CONFIG_MAP" });
  const session = aws.account.sessionFor(creatorArn, "me");
  const eks = await EksCluster.open(session, { eksName: "payments", ...place });
  const entries = accessEntriesOf(eks);
  const created = { arn, createdAt: new Date() };
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    "eks.ListAccessEntries": () => entries.list(),
    "eks.DescribeAccessEntry": () => entries.describe(creatorArn),
    "eks.DescribeCluster": () => eks.describe(),
    "cloudtrail.LookupEvents": () => findCreation(session, region, created, new Date(), async () => {}),
    "sts.GetCallerIdentity": () => callerIdentity(session, region),
    "sts.AssumeRole": () => assumeRole(session, { roleArn: creatorArn, region, sessionName: "me" }),
  };
  const markup = ["<a>".repeat(20_000), `<a>${"<b/>".repeat(15_000)}</a>`, `<a>${"&amp;".repeat(12_000)}</a>`];
  try {
    const figures: Figure[] = [];
    for (const [name, call] of Object.entries(calls)) {
      const bodies = name.startsWith("sts.") ? markup : hostileBodies(20_000);
      const answers = [200, 400].flatMap((status) => bodies.map((body) => ({ status, body })));
      const longest = await longestOf(answers, times, async (answer) => {
        const planned = aws.faults.plan(name, { type: "answer", ...answer }, { times: 10 });
        await call().finally(planned.cancel);
      });
      figures.push(figure(`hostile answers to ${name}`, longest));
    }
    return figures;
  } finally {
    await aws.stop();
  }
}

async function measureSlack(times: number): Promise<readonly Figure[]> {
  const slack = await startSandboxSlack({ rateLimits: false });
  const { botToken, signingSecret, appToken, apiUrl } = slack;
  const client = directoryClient({ botToken, signingSecret, appToken, apiUrl, port: 0 });
  const calls = {
    "users.info": () => slackDirectory(client, () => new Date()).accountOf("U0APPROVER"),
    "usergroups.list": () => slackDirectory(client, () => new Date()).membersOf("S0PLATFORM"),
  };
  const answers = hostileBodies(20_000).map((body) => ({ status: 200, body }));
  try {
    const figures: Figure[] = [];
    for (const [name, call] of Object.entries(calls)) {
      const longest = await longestOf(answers, times, async (answer) => {
        const planned = slack.faults.plan(`slack.${name}`, { type: "answer", ...answer }, { times: 2 });
        await call().finally(planned.cancel);
      });
      figures.push(figure(`hostile answers to ${name} of Slack`, longest));
    }
    return figures;
  } finally {
    await slack.stop();
  }
}
