import { request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aClusterWithPeople, aToken, type ClusterWithPeople } from "./clients.ts";

let people: ClusterWithPeople;

beforeAll(async () => {
  people = await aClusterWithPeople();
});
afterAll(() => people.stop());

const awsAuth = "/api/v1/namespaces/kube-system/configmaps/aws-auth";

test.each([
  [
    "a body that is not JSON",
    "PUT",
    awsAuth,
    { "content-type": "application/vnd.kubernetes.protobuf" },
    "k8s\u0000",
    415,
  ],
  ["a patch", "PATCH", awsAuth, { "content-type": "application/merge-patch+json" }, "{}", 405],
  ["acting as another user", "GET", awsAuth, { "impersonate-user": "dev" }, "", 501],
  ["a selector of sets", "GET", `${awsAuth.replace("/aws-auth", "")}?labelSelector=a%20in%20(b)`, {}, "", 501],
  ["a resource that it does not have", "GET", "/apis/apps/v1/deployments", {}, "", 404],
])("the stand-in refuses %s", async (_what, method, path, headers, body, code) => {
  const token = await aToken(people.aws.account.sessionFor(people.creator, "me"));

  const refused = await call(method, path, { authorization: `Bearer ${token}`, ...headers }, body);

  expect(refused).toMatchObject({ kind: "Status", status: "Failure", code });
});

async function call(method: string, path: string, headers: Readonly<Record<string, string>>, body: string) {
  const ca = Buffer.from(people.cluster.certificateAuthority, "base64");
  return new Promise<unknown>((resolve, reject) => {
    const sent = request(`${people.cluster.endpoint}${path}`, { ca, headers, method }, async (answer) => {
      resolve(JSON.parse(Buffer.concat(await answer.toArray()).toString()));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
