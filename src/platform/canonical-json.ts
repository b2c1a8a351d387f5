/** A JSON value whose numbers are IEEE 754 doubles (I-JSON, RFC 7493). */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };
