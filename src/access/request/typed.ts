import { z } from "zod";

/** What a person types with a request, as the ledger stores it. */
export const typedFieldsForm = {
  reason: z.string(),
  ticket: z.string().nullable(),
  /** The namespaces that the requester chose, sorted, with commas; empty: none. */
  namespaces: z.string(),
} as const;

/** Every form, record and event carries all of these fields, and the approval's digest covers them. */
export type TypedFields = {
  readonly [Name in keyof typeof typedFieldsForm]: z.infer<(typeof typedFieldsForm)[Name]>;
};

/** The fields that an emergency and a recovered lease leave empty. */
export const emptyTypedFields = { ticket: null, namespaces: "" } as const satisfies Partial<TypedFields>;

export function typedFieldsOf({ reason, ticket, namespaces }: TypedFields): TypedFields {
  return { reason, ticket, namespaces };
}
