import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { schema, schemaKey } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
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

const both = ["slack", "worker"] as const;

test("upgrade: the next version continues with Redis and the cluster as they are, and one of another schema does not start", async () => {
  await product.ask("10m", "before");
  await product.approve(await product.message("before", "[Approve]"));
  const active = await product.message("before", "*Active*");
  await product.ask("10m", "waiting");
  const asked = await product.message("waiting", "[Approve]");

  for (const kind of both) await product.stop(kind);
  for (const kind of both) await product.start(kind);
  await product.approve(asked);
  await product.message("waiting", "*Active*");
  const counts = Object.fromEntries(await redisLedger(redis).counts());
  const person = product.sandbox.slack.person("U0APPROVER");
  await person.click(active, "revoke");
  await product.sandbox.slack.until(() => person.view());
  await person.submit({ why: "upgraded" });
  await product.message("before", "*Ended*");

  expect(await redis.get(schemaKey)).toBe(schema);
  expect(counts).toEqual({ "approved/active": 2 });
  const { verdict, events } = await auditOf(product.redisUrl);
  expect(verdict.type).toBe("whole");
  expect(events.filter(({ event }) => event.type === "annotation.refused")).toEqual([]);

  for (const kind of both) await product.stop(kind);
  await redis.set(schemaKey, `${Number(schema) + 1}`);
  const refused = await product.start("worker").catch(explainFailure);
  expectSentences("Upgrade", [String(refused)]);
});
