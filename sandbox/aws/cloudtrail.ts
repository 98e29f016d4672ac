import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";
import { mayCall } from "./identities.ts";
import { cloudTrailError, type Refusal, refuse } from "./refusal.ts";
import { readClaim, verifySignature } from "./signature.ts";

const pageSize = 50;

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

/** An event history. It throttles only when a test asks for it. */
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
  const place = { region: claim.region, account: caller.identity.accountId };
  if (isThrottled(trail, place, context.now())) return { ...cloudTrailError("Throttling", "Rate exceeded"), by };
  const lookup = readLookup(request.body.toString("utf8"));
  if ("type" in lookup) return { ...cloudTrailError(lookup.code, lookup.message), by };
  return { ...page(trail, place, lookup, context.now()), by };
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

function page(trail: CloudTrail, place: Place, lookup: Lookup, now: Date): SandboxAnswer {
  const { offset, max, until } = lookup;
  const from = Math.max(lookup.from, now.getTime() - historyMs);
  // Newest first, also of those that came in one and the same millisecond.
  const found = trail.events
    .toReversed()
    .filter((event) => event.region === place.region && event.record.recipientAccountId === place.account)
    .filter((event) => event.at.getTime() >= from && event.at.getTime() <= until)
    .filter(({ name }) => lookup.name === undefined || name === lookup.name)
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
    Resources: event.resources.map(({ type, name }) => ({ ResourceType: type, ResourceName: name })),
    CloudTrailEvent: JSON.stringify(event.record),
  };
}

/** The parameters of LookupEvents, after CloudTrail has accepted them. Times are milliseconds since the epoch. */
interface Lookup {
  /** Undefined: every event. */
  name: string | undefined;
  from: number;
  until: number;
  /** How many events of the result are on earlier pages, and how many fit on one. */
  offset: number;
  max: number;
}

interface LookupBody {
  LookupAttributes?: { AttributeKey: string; AttributeValue: string }[];
  StartTime?: number;
  EndTime?: number;
  MaxResults?: number;
  NextToken?: string;
}

/** Checks the parameters of LookupEvents as CloudTrail does. */
function readLookup(body: string): Lookup | Refusal {
  const asked = JSON.parse(body) as LookupBody;
  const {
    LookupAttributes = [],
    StartTime = 0,
    EndTime = Number.POSITIVE_INFINITY,
    MaxResults: max = pageSize,
  } = asked;
  const [attribute] = LookupAttributes;
  // The real service knows six more.
  if (LookupAttributes.length > 1 || (attribute && attribute.AttributeKey !== "EventName")) {
    return refuse("InvalidLookupAttributesException", "Give one lookup attribute, and one that exists.");
  }
  if (max < 1 || max > pageSize) {
    return refuse("InvalidMaxResultsException", `The max results value ${max} is not between 1 and ${pageSize}.`);
  }
  if (StartTime > EndTime) return refuse("InvalidTimeRangeException", "The start time is after the end time.");
  const offset = readToken(asked.NextToken);
  if (offset === undefined) return refuse("InvalidNextTokenException", "The next token is invalid.");
  return { name: attribute?.AttributeValue, from: StartTime * 1000, until: EndTime * 1000, offset, max };
}

/** The token of the page that begins after `offset` events. */
function pageToken(offset: number): string {
  return Buffer.from(`at:${offset}`).toString("base64");
}

function readToken(token: string | undefined): number | undefined {
  if (token === undefined) return 0;
  const [, offset] = /^at:(\d+)$/.exec(Buffer.from(token, "base64").toString("latin1")) ?? [];
  return offset === undefined ? undefined : Number(offset);
}
