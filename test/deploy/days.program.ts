import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, clusterName, region } from "../../sandbox/scene.ts";
import { linesOf, linesOfOthers, pageOf } from "../runbooks/day-pages.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";
import { aProgram } from "./a-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The lines of the pages that are typed here. */
const lines = [...linesOf(pageOf("day-1")), ...linesOf(pageOf("day-2"))].filter((line) =>
  Object.entries(linesOfOthers).some(([begin, where]) => where.endsWith("/days.program.ts") && line.startsWith(begin)),
);

let sandbox: Sandbox;
let folder: string;
let environment: Readonly<Record<string, string>>;
beforeAll(async () => {
  vi.stubEnv("EKS_ACCESS_KUBERNETES", "real");
  sandbox = await startSandbox({ startCluster });
  sandbox.aws.account.setAllowed(arns.creator, ["eks:DescribeCluster", "eks:TagResource"]);
  folder = await mkdtemp(join(tmpdir(), "eks-access-days-"));
  const [aws, kubectl] = [
    await aProgram("awscli", "usr/bin/aws"),
    await aProgram("kubernetes-client", "usr/bin/kubectl"),
  ];
  const { accessKeyId, secretAccessKey, sessionToken } = sandbox.aws.account.sessionFor(arns.creator, "day");
  const endpoints = Object.entries(sandbox.environmentOf("worker", { redisUrl: "" }));
  environment = {
    ...Object.fromEntries(endpoints.filter(([name]) => name.startsWith("AWS_ENDPOINT_URL_"))),
    PATH: [dirname(aws.path), dirname(kubectl.path), process.env.PATH].join(delimiter),
    // Of a CLI that was unpacked and not installed.
    PYTHONPATH: join(dirname(aws.path), "../lib/python3/dist-packages"),
    HOME: folder,
    KUBECONFIG: join(folder, "kubeconfig"),
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken },
    AWS_DEFAULT_REGION: region,
    AWS_PAGER: "",
  };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
  await rm(folder, { recursive: true, force: true });
});

const left = new Set(lines);
/** Types the lines that begin so, from a copy of the repository. */
async function type(begin: string, change: (line: string) => string = (line) => line): Promise<string> {
  const found = lines.filter((line) => line.startsWith(begin));
  expect(found).not.toEqual([]);
  for (const line of found) left.delete(line);
  return runProgram("bash", ["-e", "-c", change(found[0] ?? "")], { cwd: root, env: environment });
}

/** The token is signed without a call, for the name that clusters accept alone. */
const signed = (line: string) => `unset AWS_ENDPOINT_URL_STS; ${line}`;

test("the AWS CLI names the person, and its kubeconfig lets kubectl into the cluster", async () => {
  const identity = await type("aws sts get-caller-identity");
  const configured = await type("aws eks update-kubeconfig", (line) =>
    line.replace("…", `--name ${clusterName} --region ${region}`),
  );
  const pods = await type("kubectl get pods", (line) => signed(`${line} 2>&1`));

  expect(identity).toContain(`${arns.creator.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/day`);
  expect(configured).toContain("Added new context");
  expect(pods).toMatch(/^shop-\S+ .*Running/m);
});

test("kubectl gives the operator its rights, and a second time changes nothing", async () => {
  // The way to the API server here carries no protobuf, in which kubectl asks for the schema. The server itself still checks each object.
  const unchecked = (line: string) => signed(`${line} --validate=false`);
  const given = await type("kubectl apply", unchecked);
  const again = await type("kubectl apply", unchecked);

  expect(
    given
      .trim()
      .split("\n")
      .filter((line) => !/ (created|configured)$/.test(line)),
  ).toEqual([]);
  expect(
    again
      .trim()
      .split("\n")
      .filter((line) => !line.endsWith(" unchanged")),
  ).toEqual([]);
});

test("the AWS CLI tags a cluster for the fleet", async () => {
  await type("aws eks tag-resource");

  const tags = ["eks", "describe-cluster", "--name", clusterName, "--query", "cluster.tags"];
  const described = await runProgram("aws", tags, { env: environment });
  expect(JSON.parse(described)).toMatchObject({ "eks-access": "yes", env: "development" });
});

test("the AWS CLI takes the lines of the StackSet: it reads them with the template, and calls no CloudFormation, which is not here", async () => {
  const checked = (line: string) => `${line} --generate-cli-skeleton output`;

  expect(await type("aws cloudformation create-stack-set", checked)).toContain("StackSetId");
  expect(await type("aws cloudformation create-stack-instances", checked)).toContain("OperationId");
});

test("no line of theirs is left", () => {
  expect([...left]).toEqual([]);
});
