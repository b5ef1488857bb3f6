/** A file of moving pictures: a grey slope that runs across, uncompressed, in the simplest container there is (YUV4MPEG2). */
interface MovingPicture {
  readonly width: number;
  readonly height: number;
  readonly framesPerSec: number;
  readonly seconds: number;
}

export function movingPicture({ width, height, framesPerSec, seconds }: MovingPicture): Buffer {
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F${framesPerSec}:1 Ip A1:1 C420jpeg\n`)];
  for (let n = 0; n < framesPerSec * seconds; n++) {
    const frame = Buffer.alloc((width * height * 3) / 2, 128);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) frame[y * width + x] = (x + y + n * 6) & 255;
    parts.push(Buffer.from('FRAME\n'), frame);
  }
  return Buffer.concat(parts);
}
