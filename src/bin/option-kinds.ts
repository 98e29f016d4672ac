// The kinds of options that a command line can have.

export const text = { type: "string" } as const;
export const texts = { type: "string", multiple: true } as const;
export const flag = { type: "boolean", default: false } as const;
