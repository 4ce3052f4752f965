"""Values of PyTorch's optimisers, clipping, schedules and loss, for OptimiserTests: python make_optimiser_values.py > optimiser-values.json

A small network of three tensors with a quadratic-cubic loss: gradients follow from the parameters by g = a * p * p + b * p + c (computed in float32
elementwise, in this order), so that the tests need no autograd and an error in one step shows in the next.
"""
import json
import sys

import torch

torch.manual_seed(8)
torch.set_num_threads(1)
SHAPES = {"body.weight": [6, 7], "body.bias": [7], "fc.weight": [1, 5]}
STEPS = 6


def start():
    generator = torch.Generator().manual_seed(3)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def field():
    generator = torch.Generator().manual_seed(4)
    return {name: [torch.randn(shape, generator=generator) for _ in range(3)] for name, shape in SHAPES.items()}


def set_gradients(parameters, coefficients):
    with torch.no_grad():
        for name, p in parameters.items():
            a, b, c = coefficients[name]
            p.grad = a * p * p + b * p + c


def groups(parameters, decay, rate, head_rate):
    return [
        dict(params=[parameters["body.weight"]], lr=rate, weight_decay=decay),
        dict(params=[parameters["body.bias"]], lr=rate, weight_decay=0.0),
        dict(params=[parameters["fc.weight"]], lr=head_rate, weight_decay=decay),
    ]


def run(kind, radius, clip):
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start().items()}
    coefficients = field()
    all_groups = groups(parameters, 0.1, 1e-2, 5e-2)
    if kind == "adamw":
        optimiser = torch.optim.AdamW(all_groups, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    else:
        optimiser = torch.optim.SGD(all_groups, momentum=0.9, foreach=False)
    trace, norms = [], []
    for _ in range(STEPS):
        set_gradients(parameters, coefficients)
        if radius > 0:
            with torch.no_grad():
                norm = torch.sqrt(sum((p.grad.double() ** 2).sum() for p in parameters.values()))
                kept = {name: p.detach().clone() for name, p in parameters.items()}
                for p in parameters.values():
                    p.add_(p.grad * float(radius / (norm + 1e-12)))
            set_gradients(parameters, coefficients)
            with torch.no_grad():
                for name, p in parameters.items():
                    p.copy_(kept[name])
        if clip > 0:
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), clip, foreach=False)))
        optimiser.step()
        trace.append({name: p.detach().flatten().tolist() for name, p in parameters.items()})
    return dict(kind=kind, radius=radius, clip=clip, norms=norms, trace=trace)


def schedules():
    def factors(make, steps):
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = make(optimiser)
        values = []
        for _ in range(steps):
            values.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return values

    lr = torch.optim.lr_scheduler
    return dict(
        warm_up=factors(lambda o: lr.LinearLR(o, start_factor=1 / 8, end_factor=1, total_iters=7), 8),
        cosine=factors(lambda o: lr.CosineAnnealingLR(o, T_max=24, eta_min=0.05), 24),
        linear=factors(lambda o: lr.LinearLR(o, start_factor=1, end_factor=0.05, total_iters=12), 12),
    )


def losses():
    logits = torch.tensor([-40.0, -3.0, -0.25, 0.0, 0.5, 2.0, 30.0, 800.0, -900.0], dtype=torch.float64)
    cases = []
    for positive, weighted in ((1.0, False), (2.5, False), (0.4, True)):
        labels = torch.tensor([0, 1, 0, 1, 1, 0, 1, 0, 1], dtype=torch.float64)
        weights = torch.linspace(0.5, 2, 9, dtype=torch.float64) if weighted else None
        z = logits.clone().requires_grad_()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            z, labels, weight=weights, pos_weight=torch.tensor(positive, dtype=torch.float64))
        loss.backward()
        cases.append(dict(
            positive=positive, logits=logits.tolist(), labels=[int(v) for v in labels], weights=[] if weights is None else weights.tolist(),
            loss=loss.item(), gradient=z.grad.tolist()))
    return cases


def average():
    generator = torch.Generator().manual_seed(5)
    values = [torch.randn(9, generator=generator) for _ in range(5)]
    ema, trace = values[0].clone(), []
    for step, value in enumerate(values[1:]):
        ema.lerp_(value, 1 - min(0.98, (step + 1) / (step + 10)))
        trace.append(ema.tolist())
    return dict(values=[v.tolist() for v in values], trace=trace)


json.dump(
    dict(
        shapes=SHAPES,
        start={k: v.flatten().tolist() for k, v in start().items()},
        field={k: [c.flatten().tolist() for c in v] for k, v in field().items()},
        runs=[run(kind, radius, clip) for kind in ("adamw", "sgd") for radius in (0, 0.05) for clip in (0, 3.0)],
        schedules=schedules(), losses=losses(), average=average(), torch=torch.__version__),
    sys.stdout)
