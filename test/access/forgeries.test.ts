import { createPublicKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readIdentities, sealIdentities } from "../../src/access/found-identities.ts";
import { readAnnotation, writeAnnotation } from "../../src/access/lease/annotation.ts";
import { sealWritten, withLedgerMemory } from "../../src/access/lease/holding.ts";
import { readKept, readRescueTags, withKeptDocument, writeRescueTags } from "../../src/access/lease/kept-documents.ts";
import { bindingFor, readSealedLease } from "../../src/access/lease/own-bindings.ts";
import { noWithdrawals, readWithdrawalTags, writeWithdrawalTags } from "../../src/access/lease/withdrawal.ts";
import { readFleetList, sealFleetList } from "../../src/access/policy/fleet-list.ts";
import type { ApprovedRequest } from "../../src/access/record.ts";
import { type Json, type KeyKind, memoryKeys, type Signer, signingKeys } from "../../src/access/seal.ts";
import {
  hasForgedReview,
  isGenuinePlan,
  isGenuinePreview,
  isSealedDecision,
  isSealedLink,
  sealDecision,
  sealLink,
  sealMigrationPlan,
  sealPreview,
  sealReview,
} from "../../src/access/seals.ts";
import { readNamespaceList, sealNamespaces } from "../../src/access/shared-lists.ts";
import { brokenLogBase, sealLogBase } from "../../src/access/verify-log.ts";
import { readHoldingTags, writeHoldingTags } from "../../src/access-entry/entry-tags.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aPlannedMigration } from "../builders/a-migration.ts";
import { aDecision, aLeasedRequest, aPreviewedRequest, engineerArn } from "../builders/a-request.ts";
import { aHolding, aShare } from "../builders/a-share.ts";
import { anEmergency } from "../builders/an-emergency.ts";
import { anEntry } from "../builders/an-entry.ts";
import { aPrivateKey, aSecret, keys, otherKeys } from "../builders/keys.ts";
import { at, hours } from "../builders/times.ts";

/** An attacker's seals with one key for every purpose, under an accepted key's id. */
type Forger = { readonly [Kind in KeyKind]: Signer<Kind> };

const decisionKey = aPrivateKey("ours: decisions");
const previewKey = aPrivateKey("ours: previews");
const publicBytes = (key: typeof decisionKey) => createPublicKey(key).export({ type: "spki", format: "der" });

/** The compiler does not stop a forger: any purpose with any key. */
type SealsAll = (purpose: string, value: Json) => string;

/** A forger with the id of the key that a reader expects. */
function forgerWith(seal: SealsAll): Forger {
  const passingFor =
    (kind: KeyKind): SealsAll =>
    (purpose, value) =>
      `${keys[kind].ids[0]}${seal(purpose, value).slice(8)}`;
  return {
    decision: { ...keys.decision, seal: passingFor("decision") },
    memory: { ...keys.memory, seal: passingFor("memory") },
    preview: { ...keys.preview, seal: passingFor("preview") },
  };
}

const signed = (key: typeof decisionKey) => forgerWith(signingKeys<"decision">(key).seal as SealsAll);
const sealed = (secret: Buffer) => forgerWith(memoryKeys([secret]).seal as SealsAll);

const inSlack: readonly (readonly [string, Forger])[] = [
  ["the decision key", signed(decisionKey)],
  ["the decision key as a secret", sealed(decisionKey.export({ type: "pkcs8", format: "der" }))],
  ["the public decision key as a secret", sealed(publicBytes(decisionKey))],
  ["the public preview key as a secret", sealed(publicBytes(previewKey))],
];
const inWorker: readonly (readonly [string, Forger])[] = [
  ["the memory key", sealed(aSecret("ours: memory"))],
  ["the preview key", signed(previewKey)],
  ["the public decision key as a secret", sealed(publicBytes(decisionKey))],
];
const inRedis: readonly (readonly [string, Forger])[] = [
  ["keys of their own", { ...otherKeys }],
  ["keys of their own under our names", signed(aPrivateKey("another: decisions"))],
  ["a secret of their own under our names", sealed(aSecret("another: memory"))],
  ["an empty secret", sealed(Buffer.alloc(0))],
];

const clusterArn = "arn:aws:eks:eu-central-1:111122223333:cluster/staging";
const role = "arn:aws:iam::111122223333:role/rescuer";
const active = aLeasedRequest({});
const asked = aPreviewedRequest();
const migration = aPlannedMigration();
const { seal: _, ...approval } = aDecision();
const document = { at: at(0).toISOString(), data: { mapRoles: "" }, leases: null };
const withdrawal = { id: "r-1", at: at(0).toISOString(), endsAt: at(hours(4)).toISOString() };

/** For each thing that the worker seals: whether its reader trusts a forged one. */
const ofWorker: readonly (readonly [string, (by: Forger) => boolean])[] = [
  [
    "an annotation",
    ({ memory }) => {
      const text = writeAnnotation("staging", [aHolding()], memory);
      return readAnnotation("staging", text ?? "", keys.memory).type === "holdings";
    },
  ],
  [
    "what a lease wrote",
    ({ memory }) => {
      const written = sealWritten("staging", active, aHolding(), memory, "aws-auth");
      const request = { ...active, lease: active.lease && { ...active.lease, written } };
      return withLedgerMemory("staging", [], [request], keys.memory).holdings.size > 0;
    },
  ],
  [
    "the tags of an access entry",
    ({ memory }) => {
      const holding = aHolding();
      const entry = anEntry();
      const tags = writeHoldingTags("staging", holding, memory, { madeAt: new Date(0).toISOString() });
      return readHoldingTags("staging", holding.arn, { ...entry, tags }, keys.memory).type === "holding";
    },
  ],
  [
    "a withdrawal",
    ({ memory }) => {
      const tags = writeWithdrawalTags("staging", { ...noWithdrawals, list: [withdrawal] }, memory);
      return readWithdrawalTags("staging", tags, keys.memory).withdrawals.list.length > 0;
    },
  ],
  [
    "who created a cluster",
    ({ memory }) => {
      const record = { clusterArn, arn: role };
      return keys.memory.isSealed("creation", record, memory.seal("creation", record));
    },
  ],
  [
    "the lease of a rescue",
    ({ memory }) => {
      const lease = { id: "r-1", by: "U0ONCALL", as: engineerArn, endsAt: at(hours(1)).toISOString() };
      const tags = writeRescueTags(clusterArn, role, lease, memory);
      return readRescueTags(clusterArn, role, tags, keys.memory) !== null;
    },
  ],
  [
    "a kept document",
    ({ memory }) =>
      readKept("staging", withKeptDocument("staging", {}, document, memory) ?? {}, "last", keys.memory) !== null,
  ],
  [
    "a preview",
    ({ preview }) =>
      asked.preview !== null &&
      isGenuinePreview({ ...asked, preview: sealPreview(asked, asked.preview, preview) }, aCluster(), keys.preview),
  ],
  [
    "the plan of a migration",
    ({ preview }) =>
      migration.plan !== null &&
      isGenuinePlan({ ...migration, plan: sealMigrationPlan(migration, migration.plan, preview) }, keys.preview),
  ],
  [
    "the binding of a lease",
    ({ memory }) => {
      const role = "ClusterRole edit in shop";
      const lease = { principal: engineerArn, user: "engineer", share: aShare() };
      const { annotations, ...place } =
        bindingFor("staging", lease, role, memory) ?? expect.unreachable("it is a role");
      return readSealedLease("staging", place, annotations["eks-access/lease"], keys.memory) !== null;
    },
  ],
  [
    "the namespaces of a cluster",
    ({ preview }) =>
      readNamespaceList(sealNamespaces(aCluster(), ["shop"], at(0), preview), aCluster(), keys.preview, at(0)) !== null,
  ],
  [
    "the list of a fleet",
    ({ preview }) =>
      readFleetList(sealFleetList({ at: at(0).toISOString(), clusters: [] }, preview), keys.preview, at(0)) !== null,
  ],
  [
    "what the directory knows of a person",
    ({ preview }) => {
      const about = {
        user: "U0ENGINEER",
        email: "a@b",
        at: at(0).toISOString(),
        person: null,
        why: "user-not-found",
      } as const;
      return (
        readIdentities(sealIdentities(about, aCluster(), preview), about.user, aCluster(), keys.preview, at(0)) !== null
      );
    },
  ],
  [
    "where the audit log begins",
    ({ preview }) =>
      brokenLogBase(sealLogBase({ count: 2, hash: "a".repeat(64), anchors: [] }, preview), keys.preview) === null,
  ],
];

/** The same for people's decisions. */
const ofPeople: readonly (readonly [string, (by: Forger) => boolean])[] = [
  ["an approval", ({ decision }) => isSealedDecision(sealDecision(approval, "r-1", decision), "r-1", keys.decision)],
  [
    "that a person took emergency access",
    ({ decision }) => {
      const { approvals, id } = anEmergency({}, { ...keys, decision });
      return approvals.every((each) => isSealedDecision(each, id, keys.decision));
    },
  ],
  [
    "a review",
    ({ decision }) => {
      const broken = anEmergency();
      const review = sealReview(broken, { by: "U0APPROVER", at: at(0).toISOString() }, decision);
      const reviewed = { ...broken, emergency: { ...broken.emergency, review } };
      return !hasForgedReview(reviewed, keys.decision, at(hours(1)));
    },
  ],
  [
    "a link",
    ({ decision }) => {
      const seal = sealLink("U0ENGINEER", role, { by: "U0ENGINEER", at: at(0).toISOString() }, decision);
      return isSealedLink("U0ENGINEER", { arn: role, seal }, keys.decision);
    },
  ],
];

test.each([...ofWorker, ...ofPeople])("a process with the right key can make %s", (_, isBelieved) => {
  expect(isBelieved(keys)).toBe(true);
});

/** Each genuine, and read in another place than the one for which it was sealed. */
const other = aCluster({ account: "444455556666" });
const swaps: readonly (readonly [string, () => boolean])[] = [
  [
    "the annotation of another cluster",
    () =>
      readAnnotation("other", writeAnnotation("staging", [aHolding()], keys.memory) ?? "", keys.memory).type ===
      "holdings",
  ],
  ...(["staging", "other"] as const).map((cluster) => {
    const arn = cluster === "staging" ? `${engineerArn}-2` : engineerArn;
    const tags = writeHoldingTags("staging", aHolding(), keys.memory, { madeAt: at(0).toISOString() });
    return [
      `the tags of an entry, in ${cluster} for ${arn}`,
      () => readHoldingTags(cluster, arn, { ...anEntry(), tags }, keys.memory).type === "holding",
    ] as const;
  }),
  [
    "a revocation of another cluster",
    () =>
      readWithdrawalTags(
        "other",
        writeWithdrawalTags("staging", { ...noWithdrawals, list: [withdrawal] }, keys.memory),
        keys.memory,
      ).withdrawals.list.length > 0,
  ],
  [
    "a revocation under another lease's id",
    () => {
      const [text = ""] = Object.values(
        writeWithdrawalTags("staging", { ...noWithdrawals, list: [withdrawal] }, keys.memory),
      );
      return (
        readWithdrawalTags("staging", { "eks-access/withdrawn/r-2": text }, keys.memory).withdrawals.list.length > 0
      );
    },
  ],
  [
    "what another lease wrote",
    () => {
      const written = sealWritten("staging", active, aHolding(), keys.memory, "aws-auth");
      return [{ principal: `${engineerArn}-2` }, { cluster: "other" }, { approvals: [] }].some((change) => {
        const request = { ...active, ...change, lease: { ...active.lease, written } } as ApprovedRequest;
        return withLedgerMemory("staging", [], [request], keys.memory).holdings.size > 0;
      });
    },
  ],
  [
    "the rescue of another cluster",
    () => {
      const lease = { id: "r-1", by: "U0ONCALL", as: engineerArn, endsAt: at(hours(1)).toISOString() };
      const tags = writeRescueTags(clusterArn, role, lease, keys.memory);
      return (
        readRescueTags(`${clusterArn}-2`, role, tags, keys.memory) !== null ||
        readRescueTags(clusterArn, `${role}-2`, tags, keys.memory) !== null
      );
    },
  ],
  [
    "the kept document of another cluster",
    () => readKept("other", withKeptDocument("staging", {}, document, keys.memory) ?? {}, "last", keys.memory) !== null,
  ],
  [
    "the namespaces of another cluster",
    () =>
      readNamespaceList(sealNamespaces(aCluster(), ["shop"], at(0), keys.preview), other, keys.preview, at(0)) !== null,
  ],
  [
    "the review of an emergency that another person took, or for another principal",
    () => {
      const taken = anEmergency();
      const review = sealReview(taken, { by: "U0APPROVER", at: at(0).toISOString() }, keys.decision);
      const emergency = { ...taken.emergency, review };
      const others = [
        { requester: "U0ONCALL2" },
        { principal: `${engineerArn}-2` },
        { emergency: { ...emergency, as: [`${engineerArn}-2`] } },
      ];
      return others.some((other) => !hasForgedReview({ ...taken, emergency, ...other }, keys.decision, at(hours(1))));
    },
  ],
  [
    "the preview of another request",
    () =>
      asked.preview !== null &&
      isGenuinePreview(
        { ...asked, id: "r-2", preview: sealPreview(asked, asked.preview, keys.preview) },
        aCluster(),
        keys.preview,
      ),
  ],
  [
    "the plan of another migration",
    () =>
      migration.plan !== null &&
      isGenuinePlan(
        { ...migration, id: "migration-other-1", plan: sealMigrationPlan(migration, migration.plan, keys.preview) },
        keys.preview,
      ),
  ],
  [
    "the approval of another request",
    () => isSealedDecision(sealDecision(approval, "r-1", keys.decision), "r-2", keys.decision),
  ],
  [
    "the link of another person",
    () =>
      isSealedLink(
        "U0OTHER",
        { arn: role, seal: sealLink("U0ENGINEER", role, { by: "U0ENGINEER", at: at(0).toISOString() }, keys.decision) },
        keys.decision,
      ),
  ],
];

test.each(swaps)("%s is not trusted", (_, isBelieved) => {
  expect(isBelieved()).toBe(false);
});

describe.each(inSlack)("with all keys of the Slack process, %s,", (_, forger) => {
  test.each(ofWorker)("an attacker can't make %s that is trusted", (_what, isBelieved) => {
    expect(isBelieved(forger)).toBe(false);
  });
});

describe.each(inWorker)("with all keys of the worker, %s,", (_, forger) => {
  test.each(ofPeople)("an attacker can't make %s that is trusted", (_what, isBelieved) => {
    expect(isBelieved(forger)).toBe(false);
  });
});

describe.each(inRedis)("with Redis and %s", (_, forger) => {
  test.each([...ofWorker, ...ofPeople])("an attacker can't make %s that is trusted", (_what, isBelieved) => {
    expect(isBelieved(forger)).toBe(false);
  });
});
