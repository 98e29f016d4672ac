// The page loads it beside its own files; see ../server/assets.ts.
export { Idiomorph } from "idiomorph";
