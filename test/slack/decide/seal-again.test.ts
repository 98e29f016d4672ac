import { createPublicKey } from "node:crypto";
import { expect, test } from "vitest";
import { publicKeys, signingKeys } from "../../../src/access/seal.ts";
import { hasForgedReview, isSealedLink, sealReview } from "../../../src/access/seals.ts";
import { startSealingAgain } from "../../../src/slack/decide/seal-again.ts";
import { aLink } from "../../builders/a-link.ts";
import { engineerArn } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aChange } from "../../builders/an-event.ts";
import { aPrivateKey, otherKeys, keys as ours } from "../../builders/keys.ts";
import { at, hours } from "../../builders/times.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext } from "../slack-context.ts";

const publicKey = (name: string) => createPublicKey(aPrivateKey(name));
const newest = publicKeys<"decision">([publicKey("next")]);

/** A ledger after a pass of a process with a new key beside these. */
async function passed(...others: readonly ReturnType<typeof publicKey>[]) {
  const ledger = memoryLedger();
  for (const [id, keys] of [
    ["r-ours", ours],
    ["r-forged", otherKeys],
  ] as const) {
    const taken = anEmergency({ id }, keys);
    const review = sealReview(taken, { by: "U0APPROVER", at: at(0).toISOString() }, keys.decision);
    await ledger.commit(aChange({ ...taken, version: 1, emergency: { ...taken.emergency, review } }));
  }
  await ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", engineerArn));
  const context = aSlackContext(ledger);
  const { failures } = silentContext(ledger);
  const decision = signingKeys<"decision">(aPrivateKey("next"), others);
  const pass = startSealingAgain({ ...context, failures, keys: { decision }, configuration: () => context.config });
  await pass.stop();
  const isReviewed = async (id: string) => {
    const record = await ledger.get(id);
    return record !== null && !hasForgedReview(record, newest, at(hours(1)));
  };
  const [link] = await ledger.linksOf("U0ENGINEER");
  const isLinked = link !== undefined && isSealedLink("U0ENGINEER", link, newest);
  return { isLinked, reviewed: [await isReviewed("r-ours"), await isReviewed("r-forged")] };
}

test("what the older key of the environment sealed is under the newest before the older goes, and nothing else", async () => {
  expect(await passed(publicKey("ours: decisions"))).toEqual({ isLinked: true, reviewed: [true, false] });
});

test("a stolen key that the environment does not name vouches for nothing", async () => {
  expect(await passed()).toEqual({ isLinked: false, reviewed: [false, false] });
});
