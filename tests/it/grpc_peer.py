"""A server of gRPC that does what its calls say: orders, health, reflection (v1alpha), and failures by name."""
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto


def file(name, package, needs, messages, calls=()):
    made = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3", dependency=needs)
    for title, fields in messages.items():
        message = made.message_type.add(name=title)
        for number, field, kind, label, of in fields:
            message.field.add(name=field, number=number, type=kind, label=label, **({"type_name": of} if of else {}))
    if calls:
        service = made.service.add(name="Orders")
        for call, many_in, many_out in calls:
            service.method.add(name=call, input_type=".shop.v1.Wanted", output_type=".shop.v1.Order",
                               client_streaming=many_in, server_streaming=many_out)
    pool.Add(made)
    return made


def known(name):
    found = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(found)
    return message_factory.MessageFactory(pool).GetPrototype(found)


ONE, MANY = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED
TEXT, BYTES, SMALL, LARGE, MESSAGE = FIELD.TYPE_STRING, FIELD.TYPE_BYTES, FIELD.TYPE_INT32, FIELD.TYPE_INT64, FIELD.TYPE_MESSAGE
pool = descriptor_pool.Default()
FILES = [
    file("shop/line.proto", "shop.v1", [], {"Line": [(1, "name", TEXT, ONE, ""), (2, "count", SMALL, ONE, "")]}),
    file("shop/orders.proto", "shop.v1", ["shop/line.proto"], {
        "Wanted": [(1, "id", TEXT, ONE, ""), (2, "how", TEXT, ONE, "")],
        "Order": [(1, "id", TEXT, ONE, ""), (2, "total", LARGE, ONE, ""), (3, "lines", MESSAGE, MANY, ".shop.v1.Line"),
                  (4, "user_agent", TEXT, ONE, "")],
    }, [("Get", False, False), ("Watch", False, True), ("Add", True, False)]),
]
file("health.proto", "health", [], {"Asked": [(1, "service", TEXT, ONE, "")], "Told": [(1, "status", SMALL, ONE, "")]})
file("tell.proto", "tell", [], {
    "Asked": [(3, "file", TEXT, ONE, ""), (4, "symbol", TEXT, ONE, "")],
    "Files": [(1, "file", BYTES, MANY, "")],
    "Wrong": [(1, "code", SMALL, ONE, ""), (2, "message", TEXT, ONE, "")],
    "Told": [(4, "files", MESSAGE, ONE, ".tell.Files"), (7, "wrong", MESSAGE, ONE, ".tell.Wrong")],
})
Wanted, Order, Line = known("shop.v1.Wanted"), known("shop.v1.Order"), known("shop.v1.Line")


def health(asked, context):
    statuses = {"": 1, "shop.v1.Orders": 2}
    if asked.service not in statuses:
        context.abort(grpc.StatusCode.NOT_FOUND, "")
    return known("health.Told")(status=statuses[asked.service])


def tell(all_asked, context):
    """Reflection: one file for a name, or for something in it; others are asked for by whoever needs them."""
    for asked in all_asked:
        symbol = {"shop.v1.Orders": "shop/orders.proto"}.get(asked.symbol, asked.file)
        found = [made for made in FILES if made.name == symbol]
        answer = known("tell.Told")()
        if found:
            answer.files.file.append(found[0].SerializeToString())
        else:
            answer.wrong.code, answer.wrong.message = 5, f"nobody knows {asked.symbol}{asked.file}"
        yield answer


def order(wanted, context):
    made = Order(id=wanted.id, total=9007199254740993, user_agent=dict(context.invocation_metadata()).get("x-who", ""))
    made.lines.add(name="bread")
    return made


def get(wanted, context):
    if wanted.how == "missing":
        context.abort(grpc.StatusCode.NOT_FOUND, "no order – none")
    if wanted.how == "unauthenticated":
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
    if wanted.how == "slow":
        import time
        time.sleep(30)
    context.set_trailing_metadata((("x-served-by", "one"),))
    return order(wanted, context)


def watch(wanted, context):
    for _ in range(3):
        yield order(wanted, context)
    if wanted.how == "late":
        context.abort(grpc.StatusCode.DATA_LOSS, "lost on the way")


def add(all_wanted, context):
    made = Order(id="+".join(wanted.id for wanted in all_wanted))
    return made


def service(name, calls):
    kinds = {(False, False): grpc.unary_unary_rpc_method_handler, (False, True): grpc.unary_stream_rpc_method_handler,
             (True, False): grpc.stream_unary_rpc_method_handler, (True, True): grpc.stream_stream_rpc_method_handler}
    made = {call: kinds[many](act, request_deserializer=asked.FromString, response_serializer=lambda told: told.SerializeToString())
            for call, (many, act, asked) in calls.items()}
    return grpc.method_handlers_generic_handler(name, made)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
handlers = [service("shop.v1.Orders", {"Get": ((False, False), get, Wanted), "Watch": ((False, True), watch, Wanted),
                                       "Add": ((True, False), add, Wanted)})]
if "--silent" not in sys.argv:
    handlers.append(service("grpc.health.v1.Health", {"Check": ((False, False), health, known("health.Asked"))}))
    handlers.append(service("grpc.reflection.v1alpha.ServerReflection",
                            {"ServerReflectionInfo": ((True, True), tell, known("tell.Asked"))}))
server.add_generic_rpc_handlers(tuple(handlers))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
server.wait_for_termination()
