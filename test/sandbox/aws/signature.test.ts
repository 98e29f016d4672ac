import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attempt, Refusal } from "../../../sandbox/aws/refusal.ts";
import { SandboxAccount } from "../../../sandbox/aws/sandbox-account.ts";
import { verifySignature } from "../../../sandbox/aws/signature.ts";
import type { SandboxRequest } from "../../../sandbox/http-server.ts";
import { presign } from "./presigned.ts";

const account = new SandboxAccount({ id: "111122223333", partition: "aws", now: () => new Date() });
const user = account.addUser({ name: "dev" });

/** What the verifier makes of a presigned URL that arrives for its host. */
function verdict(url: string, cluster: string): string {
  const parsed = new URL(url);
  const headers = { host: parsed.host, "x-k8s-aws-id": cluster };
  const request: SandboxRequest = { method: "GET", url: parsed, headers, body: Buffer.alloc(0) };
  const signed = attempt(() => verifySignature(request, "sts", { account, now: () => new Date() }));
  return signed instanceof Refusal ? signed.code : signed.caller.arn;
}

// A key named __proto__ never gets into the SDK's own plain object.
const names = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((name) => !/^(x-amz|action|version|__proto__$)/i.test(name));
const clusters = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}$/);

describe("a signature that the SDK makes", () => {
  it("is verified, whatever the query has", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, fc.string()), clusters, async (query, cluster) => {
        const url = await presign(user, { cluster, query });

        expect(verdict(url, cluster)).toBe(user.arn);
      }),
    );
  });

  it("is refused once any character of a signed value is another", async () => {
    await fc.assert(
      fc.asyncProperty(clusters, clusters, async (cluster, other) => {
        fc.pre(cluster !== other);
        const url = await presign(user, { cluster });

        expect(verdict(url, other)).toBe("SignatureDoesNotMatch");
      }),
    );
  });
});
