import { AccessError } from "../../access/failure/access-error.ts";

/** Calls Redis: any failure is an AccessError `ledger-unreachable`. */
export async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AccessError("ledger-unreachable", "The ledger in Redis did not answer", { cause: error });
  }
}
