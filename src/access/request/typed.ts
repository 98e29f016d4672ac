import { z } from "zod";

/** What a person types with a request, in the form in which the ledger has it. */
export const typedFieldsSchema = {
  reason: z.string(),
  ticket: z.string().nullable(),
  /** Those that the requester chose where a level lets them, sorted, with commas; empty: none. */
  namespaces: z.string(),
} as const;

/** These fields travel whole through every form, record and event, and the approval's digest covers them. */
export type TypedFields = {
  readonly [Name in keyof typeof typedFieldsSchema]: z.infer<(typeof typedFieldsSchema)[Name]>;
};

/** The fields that an emergency and a recovered lease leave empty. */
export const emptyTypedFields = { ticket: null, namespaces: "" } as const satisfies Partial<TypedFields>;

/** Of a wish or a record, these fields alone. */
export function typedFieldsOf({ reason, ticket, namespaces }: TypedFields): TypedFields {
  return { reason, ticket, namespaces };
}
