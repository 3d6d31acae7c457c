curl 'https://shop.example/
