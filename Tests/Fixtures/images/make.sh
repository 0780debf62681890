#!/usr/bin/env bash
# Writes the image fixtures with public tools, none of them ours. Debian packages: libjpeg-turbo-progs, webp, imagemagick,
# libimage-exiftool-perl. NAME.expected.png holds the pixels that djpeg and dwebp decode; phone.jpg and animation.webp have
# none. The files differ slightly from version to version of the tools, so run this only to add a fixture.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
png() { convert "$1" -define png:include-chunk=none -strip "PNG$3:$2"; }

convert -seed 7 -size 37x27 plasma:tomato-steelblue -attenuate 0.2 +noise gaussian -depth 8 "$work/src.ppm"
src=$work/src.ppm

cjpeg -quality 92 -sample 1x1 "$src" >444.jpg
cjpeg -quality 85 "$src" >420.jpg
cjpeg -quality 85 -sample 4x1 "$src" >411.jpg
cjpeg -quality 85 -sample 1x2 "$src" >440.jpg
cjpeg -quality 85 -sample 2x2,1x2,2x1 "$src" >mixed_sampling.jpg
cjpeg -quality 85 -progressive "$src" >progressive.jpg
# The scans of GIMP and mozjpeg differ from libjpeg's: luma first, and refinement at the end.
printf '0: 0-0, 0, 0; 1 2: 0-0, 0, 0; 0: 1-8, 0, 2; 1: 1-8, 0, 0; 2: 1-8, 0, 0; 0: 9-63, 0, 2; 0: 1-63, 2, 1;
0: 1-63, 1, 0; 1: 9-63, 0, 0; 2: 9-63, 0, 0;' >"$work/scans"
cjpeg -quality 75 -optimize -scans "$work/scans" "$src" >mozjpeg_style.jpg
cjpeg -quality 85 -grayscale "$src" >gray.jpg
cjpeg -quality 85 -rgb "$src" >rgb.jpg
cjpeg -quality 85 -arithmetic "$src" >arithmetic.jpg
cjpeg -quality 85 -restart 1B "$src" >restart.jpg
convert "$src" -colorspace CMYK -quality 85 ycck.jpg
# ImageMagick writes YCCK. The transform in Adobe's marker is 2 for that and 0 for CMYK; the same data read as CMYK has
perl -0777 -pe 's/(Adobe.{6})\x02/$1\x00/s' ycck.jpg >cmyk.jpg
for file in *.jpg; do
    [ "$file" = phone.jpg ] && continue
    djpeg -pnm "$file" >"$work/out.pnm"
    convert "$work/out.pnm" -strip "${file%.jpg}.expected.png"
done

# A phone's metadata: big-endian EXIF with orientation, resolution, GPS and a thumbnail; XMP, IPTC, an ICC profile, a comment.
convert "$src" -resize 16x12! "$work/thumbnail.jpg"
cjpeg -quality 80 "$src" >phone.jpg
exiftool -q -overwrite_original -ExifByteOrder=MM -Make=Acme -Model=P1 -Orientation#=6 -XResolution=72 -YResolution=72 \
    -ResolutionUnit=inches -ExifImageWidth=37 -ExifImageHeight=27 -FocalPlaneXResolution=1000.5 -FocalPlaneYResolution=1000.5 \
    -GPSLatitude=48.1 -GPSLatitudeRef=N -UserComment=hello -XMP:Title=Größe -XMP:Rating=5 -IPTC:Caption-Abstract=Caption \
    -Comment="Made by make.sh" "-ICC_Profile<=/usr/share/color/icc/ghostscript/srgb.icc" \
    "-ThumbnailImage<=$work/thumbnail.jpg" phone.jpg

convert -size 37x27 radial-gradient:orange-none "$work/alpha.png"
cwebp -quiet -q 80 "$src" -o lossy.webp
cwebp -quiet -lossless "$src" -o lossless.webp
cwebp -quiet -q 80 "$work/alpha.png" -o lossy_alpha.webp
cwebp -quiet -lossless -exact "$work/alpha.png" -o lossless_alpha.webp
for file in lossy lossless; do dwebp -quiet -ppm $file.webp -o "$work/out.ppm"; convert "$work/out.ppm" -strip $file.expected.png; done
for file in lossy_alpha lossless_alpha; do dwebp -quiet $file.webp -o $file.expected.png; done
cwebp -quiet -q 60 -resize 12 8 "$src" -o "$work/frame.webp"
webpmux -frame "$work/frame.webp" +100+6+4+0 -frame "$work/frame.webp" +100+0+0+0 -o animation.webp 2>/dev/null
rm -f phone.expected.png
