import { leasesAnnotation } from "./annotation.ts";

/**
 * The API server takes so many bytes for the names and values of an object's annotations together (apimachinery,
 * ValidateAnnotations): others' count as ours do.
 */
export const allAnnotationsBytes = 256 * 1024;

/** Stands in the ConfigMap between the two writes of a fence only, or until the next write where a process died there. */
export const fenceAnnotation = "eks-access/fence";

type Annotations = Readonly<Record<string, string>>;

/** The leases of one cluster take no more than this, some 900 of them: what is to be read at each run must stay small. */
const mostForLeases = 200 * 1024;

/** Kept for what is taken back, and for a fence: that an access goes must not wait for room. */
const keptFree = 16 * 1024;

/** Some of a lease's names are long; most take half of this. */
const bytesOfLease = 500;

export interface AnnotationRoom {
  /** For our text, in bytes, when nothing of it stands there yet. */
  readonly forLeases: number;
  /** What others fill, in bytes. */
  readonly others: number;
  /** Whose is the largest; null: there are no others. */
  readonly largest: { readonly name: string; readonly bytes: number } | null;
}

/** What others have left of an object's annotations. */
export function roomIn(annotations: Annotations): AnnotationRoom {
  const sizes = Object.entries(othersAnnotations(annotations)).map(([name, text]) => ({
    name,
    bytes: Buffer.byteLength(name + text),
  }));
  const others = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const [largest = null] = sizes.toSorted((a, b) => b.bytes - a.bytes);
  const free = allAnnotationsBytes - others - keptFree - leasesAnnotation.length;
  return { forLeases: Math.max(0, Math.min(mostForLeases, free)), others, largest };
}

/** Those that are not ours. */
export function othersAnnotations(annotations: Annotations): Annotations {
  const { [leasesAnnotation]: _ours, [fenceAnnotation]: _fence, ...others } = annotations;
  return others;
}

/** Of the names and values together, as the API server counts. */
export function bytesOf(annotations: Annotations): number {
  return Object.entries(annotations).reduce((sum, [name, text]) => sum + Buffer.byteLength(name + text), 0);
}

/** Who fills the annotations, in a clause; null: nobody but us. */
export function fillers({ others, largest }: AnnotationRoom): string | null {
  if (!largest) return null;
  return `others' annotations take ${others} of ${allAnnotationsBytes} bytes, ${largest.name} alone ${largest.bytes}`;
}

/** How many more leases have room beside a text of ours. */
export function leasesThatFit({ forLeases }: AnnotationRoom, text: string | undefined): number {
  return Math.max(0, Math.floor((forLeases - Buffer.byteLength(text ?? "")) / bytesOfLease));
}
