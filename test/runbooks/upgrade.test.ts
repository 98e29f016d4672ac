import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { clusterName } from "../../sandbox/scene.ts";
import { explain } from "../../src/access/failure/access-error.ts";
import { grantsAnnotation } from "../../src/access/lease/annotation.ts";
import { migrations } from "../../src/ledger/redis/connect.ts";
import { redisLedger } from "../../src/ledger/redis/ledger.ts";
import { schemaKey } from "../../src/ledger/redis/schema.ts";
import { keysOf } from "../builders/keys.ts";
import { auditOf } from "../flow/audit-of.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences } from "./runbook.ts";

let product: Product;
let redis: Redis;
beforeEach(async () => {
  product = await aProduct();
  redis = new Redis(product.redisUrl);
});
afterEach(async () => {
  redis.disconnect();
  await product.close();
});

const annotation = z.looseObject({ v: z.number(), held: z.array(z.json()) });

function rememberedByTheCluster() {
  const text = product.sandbox.cluster.awsAuth()?.metadata.annotations?.[grantsAnnotation];
  return annotation.parse(JSON.parse(text ?? ""));
}

/** What the first program that counted its schemas left behind: no lists, no logs, no counts, and an annotation of version 1. */
async function asVersionOneLeftIt(): Promise<void> {
  const derived = /-of-(cluster|person):|:log:|:counts$|:open-by-cluster$/;
  const all = await redis.keys("{eks-access}:*");
  await redis.del(...all.filter((key) => derived.test(key)));
  for (const key of all.filter((each) => each.includes(":request:"))) await redis.hdel(key, "class");
  await redis.set(schemaKey, "1");
  const { held } = rememberedByTheCluster();
  const sealed = keysOf(product.sandbox).memory.seal("annotation", { cluster: clusterName, held });
  const text = JSON.stringify({ v: 1, held, seal: sealed });
  await product.sandbox.cluster.editAwsAuth(
    (map) => ({
      ...map,
      metadata: { ...map.metadata, annotations: { ...map.metadata.annotations, [grantsAnnotation]: text } },
    }),
    "eks-access",
  );
}

const both = ["slack", "worker"] as const;

test("upgrade: what an older program left in Redis and in the cluster goes on under the new one, and not under an older one", async () => {
  await product.ask("10m", "before");
  await product.approve(await product.message("before", "[Approve]"));
  const active = await product.message("before", "*Active*");
  await product.ask("10m", "waiting");
  const asked = await product.message("waiting", "[Approve]");
  for (const kind of both) await product.stop(kind);
  await asVersionOneLeftIt();

  for (const kind of both) await product.start(kind);
  await product.approve(asked);
  await product.message("waiting", "*Active*");
  const counts = Object.fromEntries(await redisLedger(redis).counts());
  const person = product.sandbox.slack.person("U0APPROVER");
  await person.click(active, "revoke");
  await product.sandbox.slack.until(() => person.view());
  await person.submit({ why: "upgraded" });
  await product.message("before", "*Ended*");

  expect(await redis.get(schemaKey)).toBe(String(migrations.length));
  expect(counts).toEqual({ "approved/active": 2 });
  expect(rememberedByTheCluster()).toMatchObject({ v: 2, held: [expect.anything()] });
  const { verdict, events } = await auditOf(product.redisUrl);
  expect(verdict.type).toBe("whole");
  expect(events.filter(({ event }) => event.type === "annotation.refused")).toEqual([]);

  for (const kind of both) await product.stop(kind);
  await redis.set(schemaKey, String(migrations.length + 1));
  const refused = await product.start("worker").catch(explain);
  expectSentences("Upgrade", [String(refused)]);
});
