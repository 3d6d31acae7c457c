curl --aws-sigv4 "aws:amz:eu-central-1:execute-api" --user "AKIAEXAMPLE:secret-of-the-file" https://api.shop.example/orders
curl --aws-sigv4 aws:amz -u AKIAEXAMPLE:secret-of-the-file 'https://s3.eu-west-1.amazonaws.com/bucket/list'
curl --aws-sigv4 osc -u AKIAEXAMPLE:secret-of-the-file https://api.cloud.example/
