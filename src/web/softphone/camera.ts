/** The camera, opened for one call at a time and closed with it: its light is on only while somebody may see the person. */
import { type Trouble, troubleOfCamera } from './trouble.ts';

export type CameraResult =
  | { readonly kind: 'track'; readonly track: MediaStreamTrack }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

const wanted: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 30, max: 30 },
  facingMode: 'user',
};

/** Asks the person for the camera. The track is to be stopped by who took it; it does not throw. */
export async function takeCamera(): Promise<CameraResult> {
  // Browsers hide mediaDevices from pages that are neither https nor localhost.
  if (!window.isSecureContext) return { kind: 'trouble', trouble: 'insecure-page' };
  try {
    const [track] = (await navigator.mediaDevices.getUserMedia({ video: wanted })).getVideoTracks();
    return track === undefined ? { kind: 'trouble', trouble: 'camera-missing' } : { kind: 'track', track };
  } catch (error) {
    return { kind: 'trouble', trouble: troubleOfCamera(error instanceof DOMException ? error.name : '') };
  }
}
