import type { AuditEvent, ChainedEvent } from "./event.ts";

/** CloudEvents 1.0 in its JSON form: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export interface CloudEvent {
  readonly specversion: "1.0";
  /** Unique for the source: the sequence number and the chain's value tell the same event twice as the same. */
  readonly id: string;
  /** One source for each cluster. */
  readonly source: string;
  readonly type: string;
  /** The request. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  /** The extension of that name: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md */
  readonly sequence: string;
  /** Extensions of ours: the chain's value before and after this event, so that what was exported can be verified. */
  readonly chainprevious: string;
  readonly chainhash: string;
  readonly data: AuditEvent;
}

/** One event of the log for whoever collects CloudEvents. `data` is what the chain's digest is over. */
export function toCloudEvent({ sequence, event, previous, hash }: ChainedEvent): CloudEvent {
  return {
    specversion: "1.0",
    id: `${sequence}-${hash.slice(0, 16)}`,
    source: `/eks-access/clusters/${encodeURIComponent(event.cluster)}`,
    type: `eks-access.${event.type}`,
    subject: event.request,
    time: event.at,
    datacontenttype: "application/json",
    // Padded, so that the order of the texts is the order of the events, as the extension asks for.
    sequence: String(sequence).padStart(15, "0"),
    chainprevious: previous,
    chainhash: hash,
    data: event,
  };
}
