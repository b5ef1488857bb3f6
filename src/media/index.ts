export { mediaErrors } from './media-errors.ts';
export { type MediaPlaneOptions, type RunningMediaPlane, startMediaPlane } from './media-plane.ts';
