import fc from "fast-check";
import { expect, test } from "vitest";
import { connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { userAgentFor } from "../../src/kubernetes/connection.ts";
import { startScriptedServer, token } from "./api-server.ts";

test.each([
  [[], "eks-access"],
  [["r-7f3k9a2b"], "eks-access (r-7f3k9a2b)"],
  [["r-1", "r-2"], "eks-access (r-1 r-2)"],
  [["r-1)\r\nHost: evil", ""], "eks-access (r-1Hostevil)"],
])("for the requests %j it is %s", (requests, userAgent) => {
  expect(userAgentFor(requests)).toBe(userAgent);
});

test("what does not fit is counted", () => {
  const requests = Array.from({ length: 300 }, (_, index) => `r-${String(index).padStart(8, "0")}`);

  expect(userAgentFor(requests)).toMatch(/^eks-access \(r-00000000 .* and 282 more\)$/);
});

test("whatever the ids are, it is one short line that a header takes", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 })), (requests) => {
      const userAgent = userAgentFor(requests);

      expect(userAgent).toMatch(/^eks-access(?: \([\w -]+\))?$/);
      expect(userAgent.length).toBeLessThan(250);
    }),
  );
});

test("the API server gets it with each call", async () => {
  const server = await startScriptedServer();
  const { endpoint, certificateAuthority } = server;
  const client = connectCluster({ name: "payments", endpoint, certificateAuthority, token, requests: ["r-1"] });
  server.answer = () => ({ status: 200, body: { items: [] } });

  await client.listPods("default");

  expect(server.received.map(({ headers }) => headers["user-agent"])).toEqual(["eks-access (r-1)"]);
  client.close();
  await server.stop();
});
