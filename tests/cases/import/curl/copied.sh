# As a browser copies it.
curl 'https://shop.example/api/orders?state=paid&token=secret-of-the-file' \
  -X 'POST' \
  -H 'accept: application/json' \
  -H 'authorization: Bearer secret-of-the-file' \
  -H 'content-type: application/json' \
  --data-raw $'{"name":"it\'s","cost":"${x}"}' \
  --compressed

curl -sSL --retry 3 -u jane:secret-of-the-file https://shop.example/a https://shop.example/b
curl -F 'note=hello;type=text/plain' -F 'file=@photo.jpg' --cert me.pem https://shop.example/upload
wget https://shop.example/
