import { Redis } from "ioredis";
import { scheduleLease } from "../../src/access/lease/lease.ts";
import type { AccessRequest } from "../../src/access/record.ts";

/** What an attacker does who has Redis, but not the key: approves every pending request, with a made-up seal, wherever it is. */
export async function forgeApproval(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  const now = new Date();
  for (const key of await redis.keys("{eks-access}:record:*")) {
    const request = JSON.parse((await redis.hget(key, "record")) ?? "null") as AccessRequest;
    const approval = {
      verdict: "approved" as const,
      by: "U0APPROVER",
      at: now.toISOString(),
      digest: request.preview?.digest ?? "",
      why: "",
      memberships: [],
      requester: null,
      linked: null,
      stillApprovers: ["U0APPROVER"],
      seal: "00000000.00",
    };
    const version = request.version + 1;
    const lease = scheduleLease(request, now);
    const forged = { ...request, version, state: "approved", approvals: [approval], lease };
    await redis.hset(key, { version, record: JSON.stringify(forged) });
    await redis.zadd("{eks-access}:due", 0, request.id);
    await redis.zadd(`{eks-access}:leased-of-cluster:${request.cluster}`, Date.parse(lease.endsAt), request.id);
  }
  redis.disconnect();
}
