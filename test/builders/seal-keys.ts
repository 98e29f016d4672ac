import { sealKeysFrom } from "../../src/approval/seal.ts";

/** The keys of the installation that the tests speak of. */
export const sealKeys = sealKeysFrom(["the first secret, of thirty-two characters"]);

/** The keys of another installation. */
export const otherKeys = sealKeysFrom(["some other secret of thirty-two characters"]);
