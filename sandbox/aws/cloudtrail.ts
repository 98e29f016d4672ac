import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";
import { mayCall } from "./identities.ts";
import { type Lookup, pageToken, readLookup } from "./lookup.ts";
import { cloudTrailError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { readClaim } from "./signature-claim.ts";

/** The event history of all accounts and regions. */
export interface CloudTrail {
  events: readonly CloudTrailEvent[];
  record(event: CloudTrailEvent): void;
  /** Calls a second for an account and region; 2 as the real service, `Infinity` for tests that are not about it. */
  callsPerSecond: number;
  /** When the calls of the last second came, by account and region. */
  recent: Map<string, Date[]>;
}

const historyMs = 90 * 24 * 3600 * 1000;

/** An event history. It throttles nobody until told to, so that only tests about throttling meet it. */
export function createCloudTrail(now: () => Date): CloudTrail {
  const events: CloudTrailEvent[] = [];
  return {
    events,
    callsPerSecond: Number.POSITIVE_INFINITY,
    recent: new Map(),
    record: (event) => {
      if (event.at > now()) throw new Error("CloudTrail can't know of the future");
      events.push(event);
    },
  };
}

/** Answers LookupEvents (CloudTrail API reference): 90 days, one region, one attribute, newest first, 50 a page. */
export function answerCloudTrail(context: AwsContext, trail: CloudTrail, request: SandboxRequest): SandboxAnswer {
  const claim = readClaim(request);
  if ("type" in claim) return cloudTrailError(claim.code, claim.message);
  const caller = verifySignature(request, claim, "cloudtrail", (key) => context.account.caller(key), context.now());
  if ("type" in caller) return cloudTrailError(caller.code, caller.message);
  const by = caller.arn;
  if (!String(request.headers["x-amz-target"]).endsWith(".LookupEvents")) {
    return { ...cloudTrailError("UnknownOperationException", ""), by };
  }
  if (!mayCall(caller, "cloudtrail:LookupEvents", "*")) {
    return {
      ...cloudTrailError(
        "AccessDenied",
        `User: ${by} is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action`,
      ),
      by,
    };
  }
  const whose = { region: claim.region, account: caller.identity.accountId };
  if (isThrottled(trail, whose, context.now())) return { ...cloudTrailError("Throttling", "Rate exceeded"), by };
  const lookup = readLookup(request.body.toString("utf8"));
  if ("type" in lookup) return { ...cloudTrailError(lookup.code, lookup.message), by };
  return { ...page(trail, whose, lookup, context.now()), by };
}

interface Place {
  account: string;
  region: string;
}

function isThrottled(trail: CloudTrail, { account, region }: Place, now: Date): boolean {
  const place = `${account} ${region}`;
  const recent = (trail.recent.get(place) ?? []).filter((at) => now.getTime() - at.getTime() < 1000);
  const throttled = recent.length >= trail.callsPerSecond;
  trail.recent.set(place, throttled ? recent : [...recent, now]);
  return throttled;
}

function page(trail: CloudTrail, whose: Place, lookup: Lookup, now: Date): SandboxAnswer {
  const { offset, max, until } = lookup;
  const from = Math.max(lookup.from, now.getTime() - historyMs);
  // Newest first, also of those that came in one and the same millisecond.
  const found = trail.events
    .toReversed()
    .filter((event) => event.region === whose.region && event.record.recipientAccountId === whose.account)
    .filter((event) => event.at.getTime() >= from && event.at.getTime() <= until)
    .filter(lookup.matches)
    .sort((a, b) => b.at.getTime() - a.at.getTime());
  const more = found.length > offset + max ? { NextToken: pageToken(offset + max) } : {};
  const body = { Events: found.slice(offset, offset + max).map(eventMember), ...more };
  return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, body: JSON.stringify(body) };
}

function eventMember(event: CloudTrailEvent): object {
  return {
    EventId: event.id,
    EventName: event.name,
    ReadOnly: String(event.readOnly),
    EventTime: event.at.getTime() / 1000,
    EventSource: event.source,
    ...(event.username === undefined ? {} : { Username: event.username }),
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify(event.record),
  };
}
