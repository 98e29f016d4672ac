import type { CloudTrailEvent } from "./eks-cluster.ts";
import type { JsonHandlers } from "./json-service.ts";
import { pageOf, refuse } from "./refusal.ts";

const pageSize = 50;

export interface CloudTrail {
  events: readonly CloudTrailEvent[];
  record(event: CloudTrailEvent): void;
}

const historyMs = 90 * 24 * 3600 * 1000;

export function createCloudTrail(now: () => Date): CloudTrail {
  const events: CloudTrailEvent[] = [];
  return {
    events,
    record: (event) => {
      if (event.at > now()) throw new Error("CloudTrail can't know of the future");
      events.push(event);
    },
  };
}

/** Answers as documented (CloudTrail API Reference, LookupEvents): 90 days, one region, one attribute, newest first, 50 a page. */
export function cloudTrailCalls(trail: CloudTrail, now: () => Date): JsonHandlers {
  return {
    "cloudtrail.LookupEvents": ({ caller, region, body }) => {
      const place = { region, account: caller.identity.accountId };
      return page(trail, place, readLookup(body as LookupBody), now());
    },
  };
}

interface Place {
  account: string;
  region: string;
}

function page(trail: CloudTrail, place: Place, lookup: Lookup, now: Date): object {
  const { offset, max, until } = lookup;
  const from = Math.max(lookup.from, now.getTime() - historyMs);
  // Newest first, also within a millisecond.
  const found = trail.events
    .toReversed()
    .filter((event) => event.region === place.region && event.record.recipientAccountId === place.account)
    .filter((event) => event.at.getTime() >= from && event.at.getTime() <= until)
    .filter(({ name }) => lookup.name === undefined || name === lookup.name)
    .sort((a, b) => b.at.getTime() - a.at.getTime());
  const { items, nextToken } = pageOf(found, offset, max);
  return { Events: items.map(eventMember), NextToken: nextToken };
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

/** Times are in milliseconds since the epoch. */
interface Lookup {
  /** Undefined: every event. */
  name: string | undefined;
  from: number;
  until: number;
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

function readLookup(asked: LookupBody): Lookup {
  const {
    LookupAttributes = [],
    StartTime = 0,
    EndTime = Number.POSITIVE_INFINITY,
    MaxResults: max = pageSize,
    NextToken = "0",
  } = asked;
  const [attribute] = LookupAttributes;
  // AWS has six more attributes.
  if (LookupAttributes.length > 1 || (attribute && attribute.AttributeKey !== "EventName")) {
    refuse("InvalidLookupAttributesException", "Give one lookup attribute, and one that exists.");
  }
  if (max < 1 || max > pageSize) {
    refuse("InvalidMaxResultsException", `The max results value ${max} is not between 1 and ${pageSize}.`);
  }
  if (StartTime > EndTime) refuse("InvalidTimeRangeException", "The start time is after the end time.");
  if (!/^\d+$/.test(NextToken)) refuse("InvalidNextTokenException", "The next token is invalid.");
  const [from, until] = [StartTime * 1000, EndTime * 1000];
  return { name: attribute?.AttributeValue, from, until, offset: Number(NextToken), max };
}
