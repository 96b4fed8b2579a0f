"""How constants move through a graph: what `dnn-aggregate-constants` is made of."""
