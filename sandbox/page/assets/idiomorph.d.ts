// The page loads it with its own files; see ../server/assets.ts.
export { Idiomorph } from "idiomorph";
