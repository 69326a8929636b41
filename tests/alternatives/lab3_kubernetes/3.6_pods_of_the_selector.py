# exercise: 3.6
# file: rollout.py
# accepted: the Service's own selector in place of its slices, the port by its name, and a request by hand
def smoke_test(namespace):
    _, core = connect()
    service = core.read_namespaced_service(NAME, namespace).spec
    labels = ",".join(f"{key}={value}" for key, value in service.selector.items())
    target = next(one.target_port for one in service.ports if one.name == "http")
    for pod in core.list_namespaced_pod(namespace, label_selector=labels).items:
        if pod.metadata.deletion_timestamp or not any(
            one.type == "Ready" and one.status == "True" for one in pod.status.conditions or []
        ):
            continue
        (port,) = [
            port.container_port for one in pod.spec.containers for port in one.ports or [] if port.name == target
        ]
        forward = portforward(
            core.connect_get_namespaced_pod_portforward, pod.metadata.name, namespace, ports=str(port)
        )
        sock = forward.socket(port)
        sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: ml-api\r\nConnection: close\r\n\r\n")
        answer = sock.recv(4096)
        sock.close()
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise RuntimeError(f"{pod.metadata.name}: {answer!r}")
        return
    raise RuntimeError("no pod")
