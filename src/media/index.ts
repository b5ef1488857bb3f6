export { type MediaPlaneOptions, type RunningMediaPlane, startMediaPlane } from './media-plane.ts';
