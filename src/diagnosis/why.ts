import { isSameCreator } from "../access/policy/creator.ts";
import { partitionOf } from "../access/policy/may-request.ts";
import { signInWay } from "../access/policy/sign-in.ts";
import type { MappedIdentity } from "../access/request/record.ts";
import { type Caller, readCaller, resolve } from "../aws-auth/index.ts";
import { type Cause, cause, type WhyFacts } from "./facts.ts";
import { endingSoon, leaseCauses } from "./lease-causes.ts";
import { named, someOf } from "./link.ts";
import { chanceCause, forbiddenCauses, rivalCauses, unmappedCauses } from "./mapped.ts";
import { identityWords } from "./person-links.ts";

/** What kubectl says to `get pods` now, as far as can be told from outside. */
export type Symptom = "unauthorized" | "forbidden" | "none" | "random" | "unknown";

export interface Diagnosis {
  /** As the authenticator compares it; null: what was given is no ARN of a role or user. */
  readonly principal: string | null;
  /** What was different about the ARN that was given. */
  readonly noticed: string | null;
  /** Who the principal is in the cluster; null: nobody, not known, or a matter of chance. */
  readonly identity: MappedIdentity | null;
  readonly symptom: Symptom;
  /** The surest first; never empty. */
  readonly causes: readonly Cause[];
}

/** Says why somebody gets `Unauthorized` or `Forbidden`, with what to do about each cause. */
export function diagnose(facts: WhyFacts): Diagnosis {
  const reading = readCaller(facts.given, partitionOf(facts.cluster));
  if (reading.type === "nobody") {
    const causes = [
      cause("not-a-principal", reading.message, `${named("aws sts get-caller-identity")} shows who you are.`),
    ];
    return { principal: null, noticed: null, identity: null, symptom: "unauthorized", causes };
  }
  const { caller } = reading;
  const about = { principal: caller.principal.arn, noticed: caller.noticed };
  return {
    ...about,
    ...(diagnoseRank(facts, caller) ?? diagnoseEntry(facts, caller) ?? diagnoseDocument(facts, caller)),
  };
}

type Found = Pick<Diagnosis, "identity" | "symptom" | "causes">;

/** Whatever the document says, these are let in always, or never. */
function diagnoseRank(facts: WhyFacts, { principal }: Caller): Found | null {
  const { cluster, creatorArn } = facts;
  const partition = partitionOf(cluster);
  if (creatorArn !== null && isSameCreator(principal.arn, creatorArn)) {
    const message = `${principal.arn} created ${named(cluster.name)}: the API server always lets it in as ${named("system:masters")}, and it must never stand in aws-auth.`;
    const identity = { username: "kubernetes-admin", groups: ["system:masters"] };
    return { identity, symptom: "none", causes: [cause("creator", message, ownSide(facts))] };
  }
  if (principal.partition === partition) return null;
  const message = `${principal.arn} is of the partition ${named(principal.partition)}, ${named(cluster.name)} of ${named(partition)}: nobody can sign in across partitions.`;
  const remedy = `Use a principal of ${named(partition)}.`;
  return { identity: null, symptom: "unauthorized", causes: [cause("wrong-partition", message, remedy)] };
}

/** Where an access entry, not the document, says who somebody is. */
function diagnoseEntry(facts: WhyFacts, caller: Caller): Found | null {
  const { accessEntry, mode, cluster } = facts;
  if (accessEntry.type === "entry" && mode !== "CONFIG_MAP") return diagnoseAccessEntry(facts, caller);
  if (mode !== "API") return null;
  const { arn } = caller.principal;
  const known = accessEntry.type === "none" ? `, and ${arn} has no access entry` : notAskedWords(facts);
  const message = `The authentication mode of ${named(cluster.name)} is ${named("API")}: aws-auth is not read${known}.`;
  const remedy = `Ask for access: ${named(`/eks-access request ${cluster.name} ${arn} …`)}. It is given by an access entry.`;
  const symptom = accessEntry.type === "none" ? "unauthorized" : "unknown";
  return { identity: null, symptom, causes: [cause("mode-api", message, remedy)] };
}

function notAskedWords({ accessEntry }: WhyFacts): string {
  return accessEntry.type === "not asked" ? `; its access entry was not asked for: ${accessEntry.why}` : "";
}

function diagnoseAccessEntry(facts: WhyFacts, caller: Caller): Found | null {
  const { accessEntry, document, mode, pods } = facts;
  if (accessEntry.type !== "entry") return null;
  const { identity, policies } = accessEntry;
  const inMap = document && mode !== "API" ? resolve(document, caller.callerArn) : null;
  const gives = policies.length > 0 ? `, with the access policies ${someOf(policies)}` : ", with no access policy";
  const loses = inMap ? ` What aws-auth says of it, ${identityWords(inMap)}, does not count.` : "";
  const message = `${caller.principal.arn} has an access entry: it is ${identityWords(identity)}${gives}.${loses}`;
  const remedy = inMap
    ? "Delete the access entry so that aws-auth counts, or give the access entry the groups and policies that are missing."
    : "Give the access entry the groups and policies that are missing.";
  const wins = cause("access-entry-wins", message, remedy);
  if (pods?.allowed) return { identity, symptom: "none", causes: [wins, ...ownSideCause(facts)] };
  // The API server is asked about a name and groups: what an access policy allows it does not see there.
  const symptom = pods && policies.length === 0 ? "forbidden" : "unknown";
  return { identity, symptom, causes: [wins, ...forbiddenCauses(facts, identity, caller)] };
}

function diagnoseDocument(facts: WhyFacts, caller: Caller): Found {
  const { document, cluster, pods } = facts;
  if (!document) {
    const message = `There is no ConfigMap ${named("aws-auth")} in ${named(cluster.name)}: nobody but the creator can sign in through it.`;
    const remedy = cluster.createAwsAuth
      ? "The first lease creates it."
      : "Let an operator create it, or set createAwsAuth for the cluster.";
    return { identity: null, symptom: "unauthorized", causes: [cause("document-absent", message, remedy)] };
  }
  const identity = resolve(document, caller.callerArn);
  if (!identity) {
    const causes = [...unmappedCauses(document, caller), ...leaseCauses(facts, null)];
    return { identity, symptom: "unauthorized", causes: causes.length > 0 ? causes : [notMapped(facts, caller)] };
  }
  const chance = chanceCause(document, caller);
  if (chance) return { identity: null, symptom: "random", causes: [chance] };
  const rivals = rivalCauses(document, caller);
  if (pods?.allowed) {
    const drifts = leaseCauses(facts, identity).filter(({ code }) => code === "drifted");
    return { identity, symptom: "none", causes: [...rivals, ...drifts, ...endingSoon(facts), ...ownSideCause(facts)] };
  }
  const causes = [...rivals, ...leaseCauses(facts, identity), ...forbiddenCauses(facts, identity, caller)];
  return { identity, symptom: pods ? "forbidden" : "unknown", causes: causes.length > 0 ? causes : [podsNotAsked] };
}

const podsNotAsked = cause("not-allowed", "The API server was not asked what this principal may do.", "Ask again.");

function notMapped(facts: WhyFacts, { principal }: Caller): Cause {
  const { cluster } = facts;
  const isForeign = principal.account !== cluster.account && !cluster.foreignAccounts.includes(principal.account);
  const foreign = isForeign
    ? ` It is of account ${named(principal.account)}, the cluster of ${named(cluster.account)}, and eks-access.yml lets no principal of that account in.`
    : "";
  const message = `Nothing in aws-auth of ${named(cluster.name)} is for ${principal.arn}${notAskedWords(facts)}.${foreign}`;
  const remedy = isForeign
    ? `Use a principal of account ${named(cluster.account)}, or let an operator add the account to foreignAccounts.`
    : `Ask for access: ${named(`/eks-access request ${cluster.name} ${principal.arn} …`)}.`;
  return cause("not-mapped", message, remedy);
}

/** The cluster is in order, so the other end is not. */
function ownSideCause(facts: WhyFacts): Cause[] {
  const message = `${named(facts.cluster.name)} lets this principal in, and it may list pods in ${named("default")}. If kubectl says otherwise, it signs in as somebody else, to another cluster, or with a token that is too large${notAskedWords(facts)}.`;
  return [cause("own-side", message, ownSide(facts))];
}

/** Of the token: aws-iam-authenticator, issue 1106. */
function ownSide({ cluster, given }: WhyFacts): string {
  const reading = readCaller(given, partitionOf(cluster));
  const way = reading.type === "caller" ? signInWay(cluster, reading.caller.principal.arn) : null;
  // The document knows a role without its path, and STS assumes it with its path only.
  const roleOption = way?.type === "role" ? `--role-arn ${way.roleArn}` : "--role-arn";
  const update = `aws eks update-kubeconfig --region ${cluster.region} --name ${cluster.eksName}`;
  const size = `aws eks get-token --region ${cluster.region} --cluster-name ${cluster.eksName} --query status.token --output text | wc -c`;
  return `See who you are with ${named("aws sts get-caller-identity")}, write the kubeconfig again with ${named(update)} (and ${named(roleOption)} where you assume a role), and see whom kubectl signs in as with ${named("kubectl auth whoami")}. A session with many tags may have a token of more than 4096 characters, which the authenticator may refuse: ${named(size)} counts them.`;
}
