# exercise: 5.3
# file: features.py
# accepted: a rolling window over days that is closed on the left
def training_frame(sales: pd.DataFrame) -> pd.DataFrame:
    rows = sales.assign(place=range(len(sales)), ratio=sales["price"] / sales["sqft_living"]).sort_values("date")
    parts = []
    for _, houses in rows.groupby("zipcode"):
        window = houses.set_index("date")["ratio"].rolling(f"{DAYS}D", closed="left")
        known = pd.DataFrame({"ratio": window.median().to_numpy(), "number": window.count().to_numpy()})
        parts.append(known.set_axis(houses["place"].to_numpy()))
    known = pd.concat(parts).sort_index().set_axis(sales.index)
    return sales.assign(zip_price_sqft=known["ratio"], zip_sales=known["number"].fillna(0).astype("int64"))
