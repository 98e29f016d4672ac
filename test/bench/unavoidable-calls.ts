/**
 * The reference for click → proof: the calls that no one can leave out who becomes the creator, writes the document
 * safely and looks at its result, made in a row with the same SDKs. A process of its own; it prints the sum of the
 * calls' times for each run, in milliseconds. What lies between the calls, such as signing the token, is not counted.
 */

import { DescribeClusterCommand, EKSClient } from "@aws-sdk/client-eks";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { z } from "zod";
import { mintToken } from "../../src/aws/sts.ts";
import { createConnection } from "../../src/kubernetes/connection.ts";

const input = z.object({
  eksName: z.string(),
  region: z.string(),
  roleArn: z.string(),
  externalId: z.string(),
  runs: z.number(),
  /** Runs before those, so that neither side pays for code that is compiled for the first time. */
  warmUp: z.number(),
});

const { eksName, region, roleArn, externalId, runs, warmUp } = input.parse(JSON.parse(process.env.BENCH_INPUT ?? ""));
const configMaps = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
const json = z.looseObject({ metadata: z.looseObject({ annotations: z.looseObject({}).optional() }) });
const worker = new STSClient({ region });
const sums: number[] = [];
for (let run = 0; run < warmUp + runs; run += 1) sums.push(await once(run));
process.stdout.write(JSON.stringify({ milliseconds: sums.slice(warmUp) }));

async function once(run: number): Promise<number> {
  const timer = startTimer();
  const session = { RoleArn: roleArn, RoleSessionName: "bench", ExternalId: externalId, DurationSeconds: 900 };
  const { Credentials } = await timer.time(() => worker.send(new AssumeRoleCommand(session)));
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  const eks = new EKSClient({ region, credentials });
  const { cluster } = await timer.time(() => eks.send(new DescribeClusterCommand({ name: eksName })));
  const token = await mintToken(credentials, { eksName, region }, new Date());
  const certificateAuthority = cluster?.certificateAuthority?.data ?? "";
  const { ask, close } = createConnection(
    { name: eksName, endpoint: cluster?.endpoint ?? "", certificateAuthority, token },
    10_000,
  );
  const get = () => ask({ method: "GET", path: configMaps }, json);
  const { value: before } = await timer.time(get);
  const annotations = { ...before.metadata.annotations, "bench/run": String(run) };
  const body = { ...before, metadata: { ...before.metadata, annotations } };
  const put = (query: { dryRun?: string }) => ask({ method: "PUT", path: configMaps, query, body }, json);
  await timer.time(() => put({ dryRun: "All" }));
  await timer.time(() => put({}));
  await timer.time(get);
  const resourceAttributes = { verb: "list", resource: "pods", namespace: "default" };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: "bench", groups: ["eks-access:viewers"], resourceAttributes },
  };
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  await timer.time(() => ask({ method: "POST", path, body: review }, z.unknown()));
  eks.destroy();
  close();
  return timer.sum();
}

function startTimer() {
  let sum = 0;
  return {
    time: async <T>(call: () => Promise<T>): Promise<T> => {
      const started = performance.now();
      const answer = await call();
      sum += performance.now() - started;
      return answer;
    },
    sum: () => sum,
  };
}
