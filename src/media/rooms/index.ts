export { RoomPlane } from './room-plane.ts';
